// Bun: each setting here is one without which a streaming proxy breaks.
import { setTimeout as wait } from "node:timers/promises";
import { directBody } from "./bun_body.ts";
import { connectTcpOnBun } from "./bun_tcp.ts";
import { headerLimitFlag, maxHeaderBytes } from "./header_limit.ts";
import type { Connection, Runtime } from "./runtime.ts";

/** As much of Bun as is used. */
declare const Bun: {
  main: string;
  /** @param now a whole collection, before it returns */
  gc(now: boolean): void;
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    maxRequestBodySize: number;
    development: boolean;
    reusePort: boolean;
    error: (error: Error) => Response;
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  }): BunServer;
};

interface BunServer {
  readonly port: number;
  /** Exchanges that have not ended, streams included. */
  readonly pendingRequests: number;
  requestIP(request: Request): { address: string } | null;
  /** Seconds without a byte until the exchange is cut; 0 = never. */
  timeout(request: Request, seconds: number): void;
  /** The promise settles when the last exchange has ended. */
  stop(closeActiveConnections: boolean): Promise<void>;
}

/** Seconds. For slow senders and idle connections; streams lift it with `keepOpen`. */
const defaultIdleTimeoutSeconds = 60;

/** Bun counts what is pending, but tells nobody when it is nothing. */
const idlePollMs = 20;

/** After so much quiet what work left behind is given back. */
const tidyAfterMs = 2000;

const outgoingLimit = "BUN_CONFIG_MAX_HTTP_REQUESTS";

export const bunRuntime: Runtime = {
  name: "bun",
  // Both are Bun's own: answers stay as compressed as they came, and no 5-minute timeout.
  outgoingFetchOptions: { decompress: false, timeout: false } as RequestInit,
  singleUseConnection: { keepalive: false },
  resendsBodies: false,
  connectTcp: connectTcpOnBun,
  bodyOf: directBody,

  serve({ host, port, fetch, sharesPort = false, idleTimeoutSeconds = defaultIdleTimeoutSeconds }) {
    raiseHeaderLimit();
    const quiet = createQuietMoments(() => {
      if (server.pendingRequests === 0) Bun.gc(true); // nobody waits for these milliseconds
    });
    const server = Bun.serve({
      hostname: host,
      port,
      idleTimeout: idleTimeoutSeconds,
      maxRequestBodySize: 2 ** 40, // Bun's 128 MB would answer before us; every endpoint has its own limit
      development: false, // else errors become pages that show our source
      reusePort: sharesPort, // on by default outside development: a second server would silently share the port
      error: () => new Response(null, { status: 500 }),
      fetch(request, server) {
        quiet.over();
        return fetch(withWholeUrl(request), new BunConnection(request, server));
      },
    });
    return {
      port: server.port,
      async idle() {
        while (server.pendingRequests > 0) await wait(idlePollMs);
      },
      async stop(graceSeconds) {
        quiet.end();
        const finished = server.stop(graceSeconds === 0);
        const cut = setTimeout(() => server.stop(true), graceSeconds * 1000);
        await finished;
        clearTimeout(cut);
      },
    };
  },

  raiseOutgoingLimit() {
    if (process.env[outgoingLimit] !== undefined) return true;
    if (process.execve === undefined || process.platform === "win32") return false;
    const command = bunRuntime.ownCommand(process.argv.slice(2));
    process.execve(command[0]!, command, {
      ...process.env,
      [outgoingLimit]: "65535",
    });
    return true; // not reached: the process is another one now
  },

  ownCommand(args) {
    // A compiled program has its script inside.
    const isCompiled = Bun.main.startsWith("/$bunfs/") || Bun.main.includes("~BUN");
    const script = isCompiled ? [] : [...process.execArgv, ...process.argv.slice(1, 2)];
    return [process.execPath, ...script, ...args];
  },
};

/**
 * Calls back once when nothing has come for a while. Left to itself Bun's collector keeps what a burst of requests needed for a
 * quarter of a minute: 18 MB of 80 on Bun 1.4.5.
 */
function createQuietMoments(callback: () => void): { over(): void; end(): void } {
  let asked = 0;
  let seen = 0;
  let isTidy = true;
  const timer = setInterval(() => {
    if (asked !== seen) {
      seen = asked;
      isTidy = false;
    } else if (!isTidy) {
      isTidy = true;
      callback();
    }
  }, tidyAfterMs);
  timer.unref();
  return {
    over: () => void (asked += 1),
    end: () => clearInterval(timer),
  };
}

/** A class, because an object with a getter and a closure of its own costs three times as much to make. */
class BunConnection implements Connection {
  readonly #request: Request;
  readonly #server: BunServer;

  constructor(request: Request, server: BunServer) {
    this.#request = request;
    this.#server = server;
  }

  get remoteAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? "";
  }

  keepOpen(): void {
    this.#server.timeout(this.#request, 0);
  }
}

/** The binary starts with the limit; loading node:http for it takes milliseconds and megabytes. */
function raiseHeaderLimit(): void {
  if (process.execArgv.includes(headerLimitFlag)) return;
  (process.getBuiltinModule("node:http") as { maxHeaderSize: number }).maxHeaderSize = maxHeaderBytes;
}

/** Without a Host header (HTTP/1.0, as HAProxy's health checks are by default) Bun's URL is the path alone. */
function withWholeUrl(request: Request): Request {
  return request.url.startsWith("/") ? new Request(`http://localhost${request.url}`, request) : request;
}
