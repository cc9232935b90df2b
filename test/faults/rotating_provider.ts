// A provider that gives a new refresh token at every refresh and takes the old one for stolen when it comes again (RFC 9700
// §4.14.2): then the whole sign-in ends. It notes every second use. Its MCP server takes only tokens that are good.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RotatingProviderOptions {
  /**
   * A spent refresh token may come again for so long, if nobody has used the one that followed it: Okta's grace period,
   * Auth0's rotation overlap. 0: never.
   */
  graceMs: number;
  /** Milliseconds of one way to the provider or back. */
  latencyMs: () => number;
  /** Of refreshes that get a 503 and change nothing, 0 to 1. */
  failing: number;
}

/** A refresh token came again. */
export interface Reuse {
  /** Milliseconds of `performance.now()`. */
  firstAt: number;
  againAt: number;
  tolerated: boolean;
}

export interface RotatingProvider {
  url: string;
  mcpUrl: string;
  reuses: Reuse[];
  refreshes: number;
  failures: number;
  /** Requests to the MCP server with a token that is no good. */
  refusedTokens: number;
  [Symbol.asyncDispose](): Promise<void>;
}

interface RefreshToken {
  signIn: { ended: boolean };
  spentAt?: number;
  next?: RefreshToken;
}

export async function startRotatingProvider(options: RotatingProviderOptions): Promise<RotatingProvider> {
  const refreshTokens = new Map<string, RefreshToken>();
  const accessTokens = new Map<string, { ended: boolean }>();
  const wait = (ms: number) => new Promise((settle) => setTimeout(settle, ms));

  function tokens(signIn: { ended: boolean }, follows?: RefreshToken): Record<string, unknown> {
    const [access, refresh] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
    accessTokens.set(access, signIn);
    const token: RefreshToken = { signIn };
    refreshTokens.set(refresh, token);
    if (follows !== undefined) follows.next = token;
    return { access_token: access, token_type: "Bearer", expires_in: 3600, refresh_token: refresh };
  }

  function refresh(presented: string): Record<string, unknown> | undefined {
    const token = refreshTokens.get(presented);
    if (token === undefined || token.signIn.ended) return undefined;
    const now = performance.now();
    if (token.spentAt !== undefined) {
      const tolerated = now - token.spentAt <= options.graceMs && token.next?.spentAt === undefined;
      provider.reuses.push({ firstAt: token.spentAt, againAt: now, tolerated });
      if (!tolerated) {
        token.signIn.ended = true;
        return undefined;
      }
    }
    token.spentAt ??= now;
    provider.refreshes++;
    return tokens(token.signIn, token);
  }

  async function token(form: URLSearchParams, response: ServerResponse): Promise<void> {
    const isRefresh = form.get("grant_type") === "refresh_token";
    await wait(options.latencyMs());
    if (isRefresh && Math.random() < options.failing) {
      provider.failures++;
      response.writeHead(503).end("busy");
      return;
    }
    const answer = isRefresh ? refresh(form.get("refresh_token") ?? "") : tokens({ ended: false });
    await wait(options.latencyMs());
    response.writeHead(answer === undefined ? 400 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { error: "invalid_grant" }));
  }

  function mcp(request: IncomingMessage, response: ServerResponse): void {
    const signIn = accessTokens.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    const good = signIn !== undefined && !signIn.ended;
    if (!good) provider.refusedTokens++;
    response.writeHead(good ? 200 : 401, { "content-type": "application/json" });
    response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, "http://provider");
    let body = "";
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      return; // whoever asked was killed in the middle of it
    }
    if (url.pathname === "/token") await token(new URLSearchParams(body), response);
    else if (url.pathname === "/mcp") mcp(request, response);
    else {
      const back = new URL(url.searchParams.get("redirect_uri")!);
      back.searchParams.set("state", url.searchParams.get("state")!);
      back.searchParams.set("code", "any");
      response.writeHead(303, { location: back.href }).end();
    }
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: RotatingProvider = {
    url,
    mcpUrl: `${url}/mcp`,
    reuses: [],
    refreshes: 0,
    failures: 0,
    refusedTokens: 0,
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
  return provider;
}

/** The proxy's configuration with this provider behind the downstream `notes`. */
export function chainedConfiguration(provider: RotatingProvider, storeUrl: string): string {
  return `
[store]
url = "${storeUrl}"
[rate_limit]
per_address = 0
per_client = 0
[downstream.notes]
display_name = "Notes"
strategy = "chained_oauth"
downstream_url = "${provider.mcpUrl}"
oauth_authorize_url = "${provider.url}/authorize"
oauth_token_url = "${provider.url}/token"
oauth_client_id = "proxy"
oauth_client_secret = "secret-of-the-proxy"
oauth_supports_refresh = true
`;
}
