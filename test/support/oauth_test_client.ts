// An MCP client as far as OAuth goes, with every step apart, so that a test can do each of them wrongly.
import { createHash, randomBytes } from "node:crypto";
import { type Browser, createBrowser, type Page } from "./browser.ts";

export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: Record<string, string> & { expires_in?: number };
}

export interface TestClient {
  clientId: string;
  /** The MCP server as published. */
  mcpUrl: string;
  browser: Browser;
  /** The consent page (or whatever comes instead); `changes` override or (undefined) remove parameters. */
  authorize(changes?: Record<string, string | undefined>): Promise<Page>;
  /** Pastes a key and takes the code from the redirect. */
  code(key: string): Promise<string>;
  token(parameters: Record<string, string | undefined>, headers?: Record<string, string>): Promise<TokenAnswer>;
  redeem(code: string, changes?: Record<string, string | undefined>): Promise<TokenAnswer>;
  refresh(refreshToken: string, changes?: Record<string, string | undefined>): Promise<TokenAnswer>;
  revoke(token: string): Promise<Response>;
  /** From nothing to tokens. */
  signIn(key?: string): Promise<TokenAnswer["body"]>;
  mcp(accessToken: string, init?: RequestInit): Promise<Response>;
}

export const redirectUri = "http://127.0.0.1:33418/callback";
export const verifier = randomBytes(32).toString("base64url");
export const challenge = createHash("sha256").update(verifier).digest("base64url");

/** Registers at the proxy (RFC 7591) for the downstream `name`. */
export async function createTestClient(
  origin: string,
  name: string,
  metadata: Record<string, unknown> = {},
): Promise<TestClient> {
  const registration = await fetch(`${origin}/register/mcp/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: "Test client", redirect_uris: [redirectUri], ...metadata }),
  });
  const registered = await registration.json() as { client_id: string };
  if (registration.status !== 201) throw new Error(`registration failed: ${JSON.stringify(registered)}`);
  return testClient(origin, name, registered.client_id);
}

/** A client that is known already. */
export function testClient(origin: string, name: string, clientId: string): TestClient {
  const browser = createBrowser();

  async function post(
    path: string,
    parameters: Record<string, string | undefined>,
    headers: Record<string, string> = {},
  ) {
    return await fetch(`${origin}${path}/mcp/${name}`, {
      method: "POST",
      body: new URLSearchParams(defined(parameters)),
      headers,
    });
  }

  const client: TestClient = {
    clientId,
    mcpUrl: `${origin}/mcp/${name}`,
    browser,
    authorize(changes = {}) {
      const query = new URLSearchParams(defined({
        response_type: "code",
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: "S256",
        state: "the state",
        resource: `${origin}/mcp/${name}`,
        ...changes,
      }));
      return browser.get(`${origin}/authorize/mcp/${name}?${query}`);
    },
    async code(key) {
      const answer = await browser.submit(await client.authorize(), { token: key, decision: "allow" });
      const code = new URL(answer.location ?? "about:blank").searchParams.get("code");
      if (code === null) throw new Error(`no code: ${answer.status} ${answer.location} ${answer.html}`);
      return code;
    },
    async token(parameters, headers) {
      const answer = await post("/token", parameters, headers);
      return { status: answer.status, headers: answer.headers, body: await answer.json() as TokenAnswer["body"] };
    },
    redeem: (code, changes = {}) =>
      client.token({
        grant_type: "authorization_code",
        client_id: clientId,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource: `${origin}/mcp/${name}`,
        ...changes,
      }),
    refresh: (refreshToken, changes = {}) =>
      client.token({ grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken, ...changes }),
    revoke: (token) => post("/revoke", { token, client_id: clientId }),
    signIn: async (key = "the-key") => (await client.redeem(await client.code(key))).body,
    mcp: (accessToken, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${accessToken}`);
      return fetch(`${origin}/mcp/${name}`, { ...init, headers });
    },
  };
  return client;
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
