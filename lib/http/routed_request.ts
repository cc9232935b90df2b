// A request on its way through one route, and what is known of it.
import type { Resource } from "../config/config.ts";
import type { Connection } from "../runtime/runtime.ts";
import type { RequestFacts } from "../telemetry/request_log.ts";
import type { ForwardedRequest, ReadForwarded } from "./client_address.ts";

/** The URL of a request, as far as routes look at it. */
export type RequestTarget = Pick<URL, "host" | "pathname" | "search">;

/** A request as it comes in. */
export interface Arrived {
  request: Request;
  /** Its URL, parsed. */
  url: RequestTarget;
  connection: Connection;
}

/** What the path says, as app.ts writes it. */
export interface PathFacts {
  /** undefined where nothing is published. */
  path?: string;
  /** `:name` of the path. */
  name?: string | undefined;
  /** `:provider` of the path. */
  provider?: string | undefined;
  /** Where the whole URL is one of ours: what it is for. */
  resource?: Resource;
}

/** What came with a request. */
export interface RequestContext {
  request: Request;
  url: RequestTarget;
  connection: Connection;
  facts: RequestFacts;
  /** Of the client, as far as trusted proxies tell. */
  readonly address: string;
  /** `:provider` of the path. */
  provider?: string | undefined;
}

/** A class, because an object with getters of its own costs three times as much to make, and this is one for each request. */
export class RoutedRequest implements RequestContext {
  readonly request: Request;
  readonly url: RequestTarget;
  readonly connection: Connection;
  readonly name: string | undefined;
  readonly provider: string | undefined;
  readonly resource: Resource | undefined;
  /** As app.ts writes it; undefined where nothing is published. */
  readonly path: string | undefined;
  /** What a trusted proxy says that the client asked for, where there are any. */
  host: string | undefined;
  /** From the request log, which begins with the answer. */
  facts!: RequestFacts;
  readonly #readForwarded: ReadForwarded;
  #forwarded: ForwardedRequest | undefined;

  constructor({ request, url, connection }: Arrived, path: PathFacts, readForwarded: ReadForwarded) {
    this.request = request;
    this.url = url;
    this.connection = connection;
    this.path = path.path;
    this.name = path.name;
    this.provider = path.provider;
    this.resource = path.resource;
    this.#readForwarded = readForwarded;
  }

  get address(): string {
    return this.forwarded.address;
  }

  /** Read when somebody asks: most requests need no address, and Bun makes it anew each time. */
  get forwarded(): ForwardedRequest {
    return this.#forwarded ??= this.#readForwarded(this.request.headers, this.connection.remoteAddress);
  }
}
