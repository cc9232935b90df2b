// An authorization server on a real socket that does what a test tells it: by the book, with GitHub's quirks, or broken. It
// counts what must never happen: a refresh token used twice.
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeProviderOptions {
  /** GitHub's documented ways: 200 for errors, a form unless JSON is accepted, commas between scopes. */
  github?: boolean;
  /** New refresh token at each refresh, the old one is dead. */
  rotate?: boolean;
  clientId?: string;
  clientSecret?: string;
  /** What the token endpoint takes. */
  method?: "client_secret_post" | "client_secret_basic" | "none";
  /** `iss` in authorization answers, and the promise of it in metadata. */
  sendsIssuer?: boolean;
  /** As written into the answer. */
  expiresIn?: unknown;
  withoutRefreshToken?: boolean;
  /** Of the access token, as text without any pattern: Entra's have about 4 KB. */
  tokenLength?: number;
  /** Changes the metadata document before it is served. */
  metadata?: (document: Record<string, unknown>) => Record<string, unknown>;
  /** Registers anybody (RFC 7591); else only `clientId` is known. */
  registers?: boolean;
}

export interface ScriptedAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Breaks the connection off instead. */
  destroy?: boolean;
}

export interface FakeProvider {
  /** Origin; also the issuer. */
  url: string;
  options: FakeProviderOptions;
  /** Queries that browsers came with. */
  authorizations: URLSearchParams[];
  tokenRequests: { headers: IncomingMessage["headers"]; form: Record<string, string> }[];
  revocations: Record<string, string>[];
  registrations: Record<string, unknown>[];
  /** Paths of metadata that were asked for. */
  discoveries: string[];
  /** Access tokens that are good. */
  live: Set<string>;
  /** Refresh tokens that are good. */
  liveRefreshTokens: Set<string>;
  /** What each access token was given. */
  scopes: Map<string, string>;
  refreshTokensUsedTwice: number;
  /** The next token requests get these answers, in order. */
  answerNext(...answers: ScriptedAnswer[]): void;
  /** The next token request is carried out at once, and answered when `release` was called. */
  holdNextAnswer(): { carriedOut: Promise<void>; release: () => void };
  /** Every browser is sent back with this error instead of a code. */
  refuseWith(error: string | undefined): void;
  /** As after a restart without a database. */
  forgetClients(): void;
  stop(): Promise<void>;
}

interface Client {
  secret?: string;
  method: string;
}

export async function startFakeProvider(given: FakeProviderOptions = {}): Promise<FakeProvider> {
  const options: FakeProviderOptions = { clientId: "proxy-at-provider", clientSecret: "s3cr3t-of-proxy", ...given };
  const clients = new Map<string, Client>();
  const codes = new Map<string, URLSearchParams>();
  const refreshTokens = new Map<string, { clientId: string; scope: string; spent: boolean }>();
  const scripted: ScriptedAnswer[] = [];
  let held: { carriedOut: () => void; released: Promise<void> } | undefined;
  let refusal: string | undefined;

  function knownClient(id: string | undefined): Client | undefined {
    if (id === options.clientId && !options.registers) {
      return { secret: options.clientSecret, method: options.method ?? "client_secret_post" };
    }
    return clients.get(id ?? "");
  }

  function authorize(query: URLSearchParams, response: ServerResponse): void {
    provider.authorizations.push(query);
    if (knownClient(query.get("client_id") ?? undefined) === undefined) {
      response.writeHead(400, { "content-type": "text/html" }).end("<h1>Unknown client</h1>");
      return;
    }
    const target = new URL(query.get("redirect_uri")!);
    target.searchParams.set("state", query.get("state") ?? "");
    if (options.sendsIssuer) target.searchParams.set("iss", provider.url);
    if (refusal !== undefined) {
      target.searchParams.set("error", refusal);
      target.searchParams.set("error_description", "words of the provider");
    } else {
      const code = randomBytes(10).toString("hex");
      codes.set(code, query);
      target.searchParams.set("code", code);
    }
    response.writeHead(303, { location: target.href }).end();
  }

  function authenticated(headers: IncomingMessage["headers"], form: Record<string, string>): string | undefined {
    const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
    const [id, secret] = basic === undefined
      ? [form.client_id, form.client_secret]
      : Buffer.from(basic, "base64").toString().split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    const client = knownClient(id);
    const method = basic !== undefined ? "client_secret_basic" : secret === undefined ? "none" : "client_secret_post";
    if (client === undefined || client.method !== method) return undefined;
    return client.method === "none" || client.secret === secret ? id : undefined;
  }

  function redeem(form: Record<string, string>): Record<string, unknown> {
    const query = codes.get(form.code ?? "");
    codes.delete(form.code ?? "");
    const challenge = query?.get("code_challenge") ?? null;
    const hash = createHash("sha256").update(form.code_verifier ?? "").digest("base64url");
    if (query === undefined || query.get("redirect_uri") !== form.redirect_uri || (challenge ?? hash) !== hash) {
      return { error: options.github ? "bad_verification_code" : "invalid_grant" };
    }
    return tokens(query.get("client_id")!, query.get("scope") ?? "");
  }

  function refresh(form: Record<string, string>, clientId: string): Record<string, unknown> {
    const token = refreshTokens.get(form.refresh_token ?? "");
    if (token === undefined || token.clientId !== clientId || token.spent) {
      if (token?.spent) provider.refreshTokensUsedTwice++;
      return { error: options.github ? "bad_refresh_token" : "invalid_grant" };
    }
    if (options.rotate) {
      token.spent = true;
      provider.liveRefreshTokens.delete(form.refresh_token!);
    }
    return tokens(clientId, token.scope, options.rotate ? undefined : form.refresh_token);
  }

  function tokens(clientId: string, scope: string, refreshToken = randomBytes(16).toString("hex")) {
    const accessToken = `at-${randomBytes(options.tokenLength ?? 24).toString("base64url")}`.slice(
      0,
      options.tokenLength,
    );
    provider.live.add(accessToken);
    provider.scopes.set(accessToken, scope);
    refreshTokens.set(refreshToken, { clientId, scope, spent: false });
    provider.liveRefreshTokens.add(refreshToken);
    const expiresIn = "expiresIn" in options ? options.expiresIn : 3600;
    return {
      access_token: accessToken,
      ...(options.github ? {} : { token_type: "Bearer" }),
      ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
      ...(options.withoutRefreshToken ? {} : { refresh_token: refreshToken }),
      ...(scope === "" ? {} : { scope: options.github ? scope.replaceAll(" ", ",") : scope }),
    };
  }

  async function token(
    request: IncomingMessage,
    form: Record<string, string>,
    response: ServerResponse,
  ): Promise<void> {
    provider.tokenRequests.push({ headers: request.headers, form });
    const script = scripted.shift();
    if (script?.destroy) return void request.socket.destroy();
    if (script !== undefined) {
      response.writeHead(script.status ?? 200, { "content-type": "application/json", ...script.headers });
      response.end(script.body ?? "");
      return;
    }
    const clientId = authenticated(request.headers, form);
    const answer = clientId === undefined
      ? { error: options.github ? "incorrect_client_credentials" : "invalid_client" }
      : form.grant_type === "authorization_code"
      ? redeem(form)
      : refresh(form, clientId);
    const hold = held;
    held = undefined;
    hold?.carriedOut();
    await hold?.released;
    const status = options.github || !("error" in answer) ? 200 : answer.error === "invalid_client" ? 401 : 400;
    if (options.github && !/json/.test(request.headers.accept ?? "")) {
      response.writeHead(status, { "content-type": "application/x-www-form-urlencoded; charset=utf-8" });
      response.end(
        new URLSearchParams(Object.entries(answer).map(([name, value]) => [name, String(value)])).toString(),
      );
    } else response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  function register(metadata: Record<string, unknown>, response: ServerResponse): void {
    provider.registrations.push(metadata);
    const method = String(metadata.token_endpoint_auth_method ?? "client_secret_basic");
    const client: Client = { method, ...(method === "none" ? {} : { secret: randomBytes(16).toString("hex") }) };
    const clientId = `registered-${randomBytes(6).toString("hex")}`;
    clients.set(clientId, client);
    const answer = { ...metadata, client_id: clientId, client_secret: client.secret, client_secret_expires_at: 0 };
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  function metadata(): Record<string, unknown> {
    const document = {
      issuer: provider.url,
      authorization_endpoint: `${provider.url}/authorize`,
      token_endpoint: `${provider.url}/token`,
      revocation_endpoint: `${provider.url}/revoke`,
      registration_endpoint: `${provider.url}/register`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      ...(options.sendsIssuer ? { authorization_response_iss_parameter_supported: true } : {}),
    };
    return options.metadata?.(document) ?? document;
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, "http://provider");
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = Object.fromEntries(new URLSearchParams(body));
    switch (url.pathname) {
      case "/authorize":
        return authorize(url.searchParams, response);
      case "/token":
        return await token(request, form, response);
      case "/register":
        return register(JSON.parse(body), response);
      case "/revoke":
        provider.revocations.push(form);
        provider.live.delete(form.token ?? "");
        provider.liveRefreshTokens.delete(form.token ?? "");
        return void response.writeHead(authenticated(request.headers, form) === undefined ? 401 : 200).end();
      case "/.well-known/oauth-authorization-server":
        provider.discoveries.push(url.pathname);
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(metadata()));
        return;
      default:
        response.writeHead(404).end();
    }
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const provider: FakeProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    options,
    authorizations: [],
    tokenRequests: [],
    revocations: [],
    registrations: [],
    discoveries: [],
    live: new Set(),
    liveRefreshTokens: new Set(),
    scopes: new Map(),
    refreshTokensUsedTwice: 0,
    answerNext: (...answers) => void scripted.push(...answers),
    holdNextAnswer() {
      const [carriedOut, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      held = { carriedOut: carriedOut.resolve, released: released.promise };
      return { carriedOut: carriedOut.promise, release: released.resolve };
    },
    refuseWith: (error) => void (refusal = error),
    forgetClients: () => clients.clear(),
    stop: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
  return provider;
}
