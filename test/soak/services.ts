// What the replicas talk to: an MCP server that answers and streams, a provider that takes a refresh token which comes a second
// time for stolen, and an OpenID provider. The providers' token endpoints fail when the weather says so.
import { setTimeout as wait } from "node:timers/promises";
import { currentRuntime, type Listener } from "../../lib/runtime/runtime.ts";
import { type RotatingProvider, startRotatingProvider } from "../faults/rotating_provider.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import type { Weather } from "./weather.ts";

export interface Services {
  provider: RotatingProvider;
  /** The downstreams `keys` (passthrough), `notes` (chained_oauth) and `wiki` (login), and their providers. */
  toml: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Events of a stream before its result, and the time between them. */
const streamEvents = { count: 8, everyMs: 250 };

export async function startServices(weather: Weather): Promise<Services> {
  const provider = await startRotatingProvider({ graceMs: 0, latencyMs: () => 10 * Math.random(), failing: 0 });
  const openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "user-1", preferred_username: "ada", email: "ada@example.com", email_verified: true };
  const listeners = {
    mcp: serve(answerMcp),
    openId: serve(async (request) => await failing(weather, request) ?? await answerOpenId(openId, request)),
    gate: serve(async (request) => await failing(weather, request) ?? await passOn(provider, request)),
  };
  const url = ({ port }: Listener) => `http://127.0.0.1:${port}`;
  openId.moveTo(url(listeners.openId));
  return {
    provider,
    toml: `
[downstream.keys]
display_name = "Keys"
strategy = "passthrough"
downstream_url = "${url(listeners.mcp)}/mcp"

[downstream.notes]
display_name = "Notes"
strategy = "chained_oauth"
downstream_url = "${provider.mcpUrl}"
oauth_authorize_url = "${provider.url}/authorize"
oauth_token_url = "${url(listeners.gate)}/token"
oauth_client_id = "proxy"
oauth_client_secret = "secret-of-the-proxy"
oauth_supports_refresh = true

[provider.company]
kind = "oidc"
issuer = "${url(listeners.openId)}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "company"
downstream_url = "${url(listeners.mcp)}/mcp"
allowed_email_domains = ["example.com"]
`,
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(listeners).map((listener) => listener.stop(0)));
      await provider[Symbol.asyncDispose]();
    },
  };
}

function serve(fetch: (request: Request) => Promise<Response>): Listener {
  return currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: (request, connection) => {
      connection.keepOpen();
      return fetch(request);
    },
  });
}

async function failing(weather: Weather, request: Request): Promise<Response | undefined> {
  return new URL(request.url).pathname === "/token" ? await weather.failProvider() : undefined;
}

async function answerOpenId(openId: FakeOpenId, request: Request): Promise<Response> {
  const answer = await openId.handle(request);
  openId.secrets.length = 0; // kept for tests that look for them; here they would only pile up
  return answer;
}

async function passOn({ url }: RotatingProvider, request: Request): Promise<Response> {
  const { status, headers, body } = await fetch(`${url}/token`, {
    method: "POST",
    headers: { "content-type": request.headers.get("content-type") ?? "" },
    body: await request.text(),
  });
  return new Response(body, { status, headers: { "content-type": headers.get("content-type") ?? "" } });
}

async function answerMcp(request: Request): Promise<Response> {
  const text = await request.text();
  if (!text.includes("stream")) return Response.json({ jsonrpc: "2.0", id: 1, result: {} });
  let event = 0;
  const events = new ReadableStream<string>({
    async pull(controller) {
      await wait(streamEvents.everyMs);
      if (++event <= streamEvents.count) return controller.enqueue(`data: {"event":${event}}\n\n`);
      controller.enqueue('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
      controller.close();
    },
  });
  return new Response(events.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/event-stream" },
  });
}
