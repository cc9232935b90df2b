// Outgoing fetch for URLs that others choose. What stops server-side request forgery is one order of steps: read the URL,
// resolve the name once, check every answer, connect to exactly what was checked, never follow anywhere else.

import type http from "node:http";
import type { Socket } from "node:net";
import { collectBytes } from "./collected_bytes.ts";
import { type FetchTarget, parseFetchTarget, PrivateAddressError, UnsafeUrlError } from "./fetch_target.ts";
import { connectPinned } from "./pinned_connection.ts";
import { isPublicAddress } from "./public_address.ts";

export interface SafeFetchOptions {
  /** of the response body */
  maxBytes: number;
  /** the whole exchange, from lookup to the last byte */
  timeoutMs: number;
  /** the Accept header */
  accept: string;
  /** development: also http on 127.0.0.1, [::1] and localhost; everything else stays refused */
  allowLoopbackHttp?: boolean;
  /** gives the exchange up before its time */
  signal?: AbortSignal;
  /** absent: GET. Its headers come on top of ours, and may hold credentials for exactly this host. */
  post?: { body: string; headers: Record<string, string> };
}

export interface SafeFetchResult {
  /** any status but 1xx and 3xx */
  status: number;
  /** without Set-Cookie */
  headers: Headers;
  /** decoded from UTF-8 */
  body: string;
}

export type SafeFetch = (url: URL, options: SafeFetchOptions) => Promise<SafeFetchResult>;

/** The URL was fit to fetch, but no usable answer came. Shown to operators, never to the client: it may tell what our network looks like. */
export class FetchFailedError extends Error {
  override name = "FetchFailedError";
}

export interface SafeFetchTools {
  /** host name -> all its addresses; the system's resolver unless given */
  resolve?: (host: string) => Promise<string[]>;
  /** for tests, which have nothing public to connect to */
  isAllowedAddress?: (address: string) => boolean;
  /** for tests: PEM, replaces the runtime's certificate authorities */
  ca?: string;
}

/**
 * GET or POST of a URL that somebody else chose: https only, public addresses only, connection pinned to the address that
 * was checked, certificate verified, no redirects, no cookies, no credentials but those in `post`, no proxy from the
 * environment, no content coding, limits on size and time. Same behaviour in `bun run`, a compiled binary and Deno.
 *
 * @throws UnsafeUrlError   the URL, or an address behind its name, must not be fetched
 * @throws FetchFailedError no usable answer came
 */
export function createSafeFetch(tools: SafeFetchTools = {}): SafeFetch {
  return async (url, options) => {
    const target = parseFetchTarget(url, tools.isAllowedAddress, options.allowLoopbackHttp);
    const deadline = new AbortController();
    const giveUp = () => deadline.abort();
    const timer = setTimeout(giveUp, options.timeoutMs);
    options.signal?.addEventListener("abort", giveUp);
    const expired = new Promise<never>((_resolve, reject) =>
      deadline.signal.addEventListener(
        "abort",
        () => reject(new FetchFailedError(`${target.host} did not answer in full within ${options.timeoutMs} ms`)),
      )
    );
    try {
      return await Promise.race([fetchTarget(url, target, { ...options, ...tools, signal: deadline.signal }), expired]);
    } catch (error) {
      if (error instanceof UnsafeUrlError || error instanceof FetchFailedError) throw error;
      throw new FetchFailedError(`${target.host}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", giveUp);
      deadline.abort();
    }
  };
}

type Exchange = SafeFetchOptions & SafeFetchTools & { signal: AbortSignal };

async function fetchTarget(url: URL, target: FetchTarget, exchange: Exchange): Promise<SafeFetchResult> {
  const addresses = target.addresses ?? await resolvePublic(target.host, exchange);
  const socket = await connectPinned(target, addresses, exchange);
  try {
    const response = await send(url, socket, exchange);
    const headers = checkAnswer(response, target.host, exchange.maxBytes);
    return {
      status: response.statusCode ?? 0,
      headers,
      body: await readBody(response, target.host, exchange.maxBytes),
    };
  } finally {
    socket.destroy();
  }
}

/** Every answer has to be public, or a name with one public and one private address would let the attacker choose. */
async function resolvePublic(
  host: string,
  { resolve = lookupAll, isAllowedAddress = isPublicAddress }: SafeFetchTools,
): Promise<string[]> {
  const addresses = await resolve(host);
  if (addresses.length === 0) throw new FetchFailedError(`${host} has no address`);
  const refused = addresses.find((address) => !isAllowedAddress(address));
  if (refused !== undefined) {
    throw new PrivateAddressError(`${host} resolves to ${refused}, which is not a public address`);
  }
  // IPv4 first, as many networks have no working IPv6; no more than a few, as the owner of the name decides how many there are.
  return addresses.toSorted((a, b) => Number(a.includes(":")) - Number(b.includes(":"))).slice(0, 4);
}

async function lookupAll(host: string): Promise<string[]> {
  const { lookup } = process.getBuiltinModule("node:dns/promises");
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function send(url: URL, socket: Socket, { accept, maxBytes, post }: SafeFetchOptions): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = process.getBuiltinModule("node:http").request({
      createConnection: () => socket,
      method: post === undefined ? "GET" : "POST",
      path: url.pathname + url.search,
      headers: {
        ...post?.headers,
        ...(post === undefined ? {} : { "content-length": Buffer.byteLength(post.body) }),
        host: url.host,
        accept,
        "accept-encoding": "identity",
        "user-agent": "mcp-oauth-proxy",
      },
      maxHeaderSize: 16_384,
    });
    request.on("socket", () => limitWireBytes(socket, maxBytes));
    request.on("response", resolve);
    request.on("error", reject);
    request.on("upgrade", () => reject(new Error("the server wants to switch protocols")));
    request.on("close", () => reject(new Error("the connection was closed before an answer")));
    request.end(post?.body);
  });
}

/**
 * Body and head have their own limits; this one is for what neither counts: endless 103 answers, chunk extensions,
 * trailers (without it, five seconds of chunk extensions from loopback took 700 MB on Deno). Chunks of one byte take six.
 */
function limitWireBytes(socket: Socket, maxBytes: number): void {
  const limit = 8 * maxBytes + 65_536;
  let received = 0;
  socket.on("data", (chunk: Uint8Array) => {
    received += chunk.byteLength;
    if (received > limit) socket.destroy(new Error(`sent more than ${limit} bytes of framing and data`));
  });
}

/** Refuses what must not be followed, decoded or read; gives the headers of the rest. */
function checkAnswer(response: http.IncomingMessage, host: string, maxBytes: number): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const name = response.rawHeaders[i]!.toLowerCase();
    if (name !== "set-cookie") headers.append(name, response.rawHeaders[i + 1]!);
  }
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    throw new FetchFailedError(
      `${host} answered ${status} to ${
        headers.get("location")?.slice(0, 200) ?? "nowhere"
      }; redirects are not followed`,
    );
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new FetchFailedError(`${host} sent the content coding "${encoding}", which was not asked for`);
  }
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(host, maxBytes);
  return headers;
}

async function readBody(response: http.IncomingMessage, host: string, maxBytes: number): Promise<string> {
  const body = collectBytes();
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      body.push(chunk);
      if (body.size > maxBytes) throw tooLarge(host, maxBytes);
    }
  } catch (cause) {
    if (cause instanceof FetchFailedError) throw cause;
    throw new FetchFailedError(`the answer of ${host} was cut off in the middle`, { cause });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body.whole());
  } catch (cause) {
    throw new FetchFailedError(`${host} sent a body that is not UTF-8 text`, { cause });
  }
}

function tooLarge(host: string, maxBytes: number): FetchFailedError {
  return new FetchFailedError(`${host} sent more than ${maxBytes} bytes`);
}
