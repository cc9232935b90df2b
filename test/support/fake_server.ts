// What the fake services have in common: a handler that is asked either in memory or through a socket.
import { createHash } from "node:crypto";
import { type ProviderFetch, ProviderUnreachableError } from "../../lib/providers/provider_fetch.ts";
import { currentRuntime } from "../../lib/runtime/runtime.ts";

export interface FakeServer {
  handle(request: Request): Promise<Response>;
  /** What happens to every request whose path holds `path`: an answer, or no connection at all. */
  down: { path: string; answer: Response | "unreachable" } | undefined;
  /** `GET /path?query` of all requests so far. */
  requests: string[];
}

/** The fake as the providers' fetch, without a socket. */
export function fetchFrom(...servers: FakeServer[]): ProviderFetch {
  return async (url, { method, headers, body }) => {
    const request = new Request(url, { method, headers, ...(body === undefined ? {} : { body }) });
    const answer = await answerFrom(servers, request);
    if (answer === "unreachable") throw new ProviderUnreachableError(`${url.host} gave no complete answer`);
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  };
}

/** The fake on loopback. */
export function listen(...servers: FakeServer[]): { url: string; [Symbol.asyncDispose](): Promise<void> } {
  const listener = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const answer = await answerFrom(servers, request);
      return answer === "unreachable" ? new Response("", { status: 502 }) : answer;
    },
  });
  return { url: `http://127.0.0.1:${listener.port}`, [Symbol.asyncDispose]: () => listener.stop(0) };
}

async function answerFrom(servers: FakeServer[], request: Request): Promise<Response | "unreachable"> {
  let answer: Response = problem(404, "not_found");
  const { pathname, search } = new URL(request.url);
  for (const server of servers) {
    server.requests.push(`${request.method} ${pathname}${search}`);
    if (server.down !== undefined && pathname.includes(server.down.path)) {
      return server.down.answer === "unreachable" ? "unreachable" : server.down.answer.clone();
    }
    answer = await server.handle(request.clone());
    if (answer.status !== 404) return answer;
  }
  return answer;
}

export function json(value: unknown, init: ResponseInit = {}): Response {
  return Response.json(value, init);
}

export function problem(status: number, error: string, description = "secret-text of the provider"): Response {
  return json({ error, error_description: description }, { status });
}

export async function form(request: Request): Promise<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(await request.text()));
}

/** The left half of SHA-256 (OpenID Connect Core §3.1.3.6). */
export function accessTokenHash(accessToken: string): string {
  return createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");
}
