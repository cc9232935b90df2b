// An OpenID provider in memory, after OpenID Connect Core and Discovery: codes once, PKCE, rotated refresh tokens, signed ID
// tokens. What a test wants to go wrong is a field.
import { createHash, randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { accessTokenHash, type FakeServer, form, json, problem } from "./fake_server.ts";

export interface FakeOpenId extends FakeServer {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Claims of whoever sits at the browser; `sub` is needed. */
  user: Record<string, unknown>;
  /** Subjects whose refresh tokens are no longer good. */
  ended: Set<string>;
  /** What the revocation endpoint was sent. */
  revoked: Record<string, string>[];
  /** Last look at the claims before they are signed. */
  claims: (claims: Record<string, unknown>) => Record<string, unknown>;
  /** What UserInfo says instead of the user's claims. */
  userinfo: (claims: Record<string, unknown>) => Record<string, unknown> | Response;
  /** Over the discovery document. */
  document: Record<string, unknown>;
  /** Signs with a new key; the old one is published no longer. */
  rotateKey(): Promise<void>;
  /** Signs with a key that is not published. */
  forge: boolean;
  /** No ID token after a refresh (§12.2 allows that). */
  idTokenAfterRefresh: boolean;
  /** Adds to the authorization answer. */
  answer: Record<string, string>;
  accessTokens: Map<string, Record<string, unknown>>;
  /** Codes, verifiers and tokens that came or went. */
  secrets: string[];
  /** The address is known only when it listens. */
  moveTo(issuer: string): void;
}

interface Code {
  nonce: string | null;
  challenge: string;
  redirectUri: string;
  user: Record<string, unknown>;
  scope: string;
}

export async function createFakeOpenId(
  { issuer, now, hide = [] }: { issuer: string; now: () => number; hide?: string[] },
): Promise<FakeOpenId> {
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, Code>();
  let key = await createKey();
  const other = await createKey();
  let base = issuer;

  async function idToken(fake: FakeOpenId, { user, nonce }: Code, accessToken: string): Promise<string> {
    const shown = Object.fromEntries(Object.entries(user).filter(([name]) => !hide.includes(name)));
    const claims = fake.claims({
      iss: fake.issuer,
      aud: fake.clientId,
      iat: now(),
      exp: now() + 3600,
      at_hash: accessTokenHash(accessToken),
      ...(nonce === null ? {} : { nonce }),
      ...shown,
    });
    const signer = fake.forge ? other : key;
    return await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: key.kid }).sign(signer.privateKey);
  }

  async function tokens(fake: FakeOpenId, code: Code, { refreshed }: { refreshed: boolean }): Promise<Response> {
    const accessToken = `access-${randomUUID()}`;
    fake.accessTokens.set(accessToken, code.user);
    const refreshToken = `refresh-${randomUUID()}`;
    refreshTokens.set(refreshToken, code);
    fake.secrets.push(accessToken, refreshToken);
    return json({
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: refreshToken,
      ...(refreshed && !fake.idTokenAfterRefresh ? {} : { id_token: await idToken(fake, code, accessToken) }),
    });
  }

  async function token(fake: FakeOpenId, request: Request): Promise<Response> {
    const parameters = await form(request);
    const { code: spent, code_verifier: verifier } = parameters;
    fake.secrets.push(...[spent, verifier].filter((value) => value !== undefined));
    if (!isClient(fake, request, parameters)) return problem(401, "invalid_client", "no such client as secret-text");
    if (parameters.grant_type === "refresh_token") {
      const found = refreshTokens.get(parameters.refresh_token ?? "");
      refreshTokens.delete(parameters.refresh_token ?? "");
      if (found === undefined || fake.ended.has(String(found.user.sub))) return problem(400, "invalid_grant");
      // Today's facts, not those of the sign-in.
      const user = fake.user.sub === found.user.sub ? fake.user : found.user;
      return await tokens(fake, { ...found, user, nonce: null }, { refreshed: true });
    }
    const code = codes.get(parameters.code ?? "");
    codes.delete(parameters.code ?? "");
    const challenge = createHash("sha256").update(parameters.code_verifier ?? "").digest("base64url");
    if (code === undefined || challenge !== code.challenge || parameters.redirect_uri !== code.redirectUri) {
      return problem(400, "invalid_grant", "the code secret-text is not good");
    }
    return await tokens(fake, code, { refreshed: false });
  }

  const fake: FakeOpenId = {
    issuer,
    clientId: "the-client",
    clientSecret: "the client's s3cret",
    user: { sub: "user-1" },
    ended: new Set(),
    revoked: [],
    claims: (claims) => claims,
    userinfo: (claims) => claims,
    document: {},
    forge: false,
    idTokenAfterRefresh: true,
    answer: {},
    accessTokens: new Map(),
    secrets: [],
    down: undefined,
    requests: [],
    moveTo(issuer) {
      fake.issuer = base = issuer;
    },
    async rotateKey() {
      key = await createKey();
    },
    async handle(request) {
      const url = new URL(request.url);
      switch (url.pathname.slice(new URL(base).pathname.replace(/\/$/, "").length)) {
        case "/.well-known/openid-configuration":
          return json({ ...documentOf(base), ...fake.document });
        case "/keys":
          return json({ keys: [key.jwk] });
        case "/authorize": {
          const query = url.searchParams;
          const code = `code-${randomUUID()}`;
          codes.set(code, {
            nonce: query.get("nonce"),
            challenge: query.get("code_challenge")!,
            redirectUri: query.get("redirect_uri")!,
            scope: query.get("scope")!,
            user: fake.user,
          });
          const back = new URL(query.get("redirect_uri")!);
          back.search = new URLSearchParams({ code, state: query.get("state")!, ...fake.answer }).toString();
          return new Response(null, { status: 302, headers: { location: back.href } });
        }
        case "/token":
          return await token(fake, request);
        case "/revoke": {
          const parameters = await form(request);
          if (!isClient(fake, request, parameters)) return problem(401, "invalid_client");
          fake.revoked.push(parameters);
          refreshTokens.delete(parameters.token ?? "");
          return new Response(null, { status: 200 });
        }
        case "/userinfo": {
          const user = fake.accessTokens.get((request.headers.get("authorization") ?? "").replace("Bearer ", ""));
          if (user === undefined) return problem(401, "invalid_token");
          const said = fake.userinfo(user);
          return said instanceof Response ? said : json(said);
        }
        default:
          return problem(404, "not_found");
      }
    },
  };
  return fake;
}

function documentOf(issuer: string): Record<string, unknown> {
  const base = issuer.replace(/\/$/, "");
  return {
    issuer,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    jwks_uri: `${base}/keys`,
    userinfo_endpoint: `${base}/userinfo`,
    revocation_endpoint: `${base}/revoke`,
    scopes_supported: ["openid", "profile", "email", "groups", "offline_access"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    authorization_response_iss_parameter_supported: false,
  };
}

function isClient({ clientId, clientSecret }: FakeOpenId, request: Request, body: Record<string, string>): boolean {
  const basic = request.headers.get("authorization")?.replace("Basic ", "");
  const [id, secret] = basic === undefined
    ? [body.client_id, body.client_secret]
    : Buffer.from(basic, "base64").toString().split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
  return id === clientId && secret === clientSecret;
}

async function createKey(): Promise<{ privateKey: CryptoKey; jwk: JWK; kid: string }> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const kid = randomUUID();
  return { privateKey, kid, jwk: { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" } };
}
