// An OpenID provider for `demo`: whoever sits at this computer may be Ada or Bob by pressing a button. Loopback only, in memory.
// Its access tokens are good at the demo's own MCP server, as another service's would be.
// Just what sign-in needs (OpenID Connect Core §3.1 with PKCE): codes once, rotated refresh tokens, a key for each start.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export interface DemoOpenIdProviderOptions {
  /** Its own origin. */
  issuer: () => string;
  clientId: string;
  clientSecret: string;
  /** Paths of the redirect URIs, on 127.0.0.1 at whatever port. */
  callbackPaths: readonly string[];
  /** Seconds since the epoch. */
  now: () => number;
}

export interface DemoOpenIdProvider {
  handle(request: Request): Promise<Response>;
  /** True for an access token that it gave and that has not expired. */
  isLive(accessToken: string): boolean;
}

interface Approved {
  user: string;
  nonce: string | null;
  challenge: string;
  redirectUri: string;
}

const users: Record<string, Record<string, unknown>> = {
  ada: { preferred_username: "ada", email: "ada@example.com", email_verified: true, groups: ["team"] },
  bob: { preferred_username: "bob", email: "bob@example.com", email_verified: true, groups: [] },
};

const tokenLifetimeSeconds = 600;

export function createDemoOpenIdProvider(options: DemoOpenIdProviderOptions): DemoOpenIdProvider {
  const { issuer, now } = options;
  const codes = new Map<string, Approved>();
  const refreshTokens = new Map<string, Approved>();
  /** Token to the moment it expires. */
  const accessTokens = new Map<string, number>();
  const keys = generateKeyPair("ES256");

  function authorize(request: Request, query: URLSearchParams, user: string | undefined): Response {
    const redirectUri = query.get("redirect_uri") ?? "";
    if (!isOurCallback(redirectUri, options.callbackPaths) || query.get("client_id") !== options.clientId) {
      return page("This request is not from the demo.", 400);
    }
    if (request.method === "GET") return page(signInForm);
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    back.searchParams.set("iss", issuer());
    if (user === undefined || users[user] === undefined) {
      back.searchParams.set("error", "access_denied");
    } else {
      const code = randomBytes(32).toString("base64url");
      codes.set(code, { user, redirectUri, nonce: query.get("nonce"), challenge: query.get("code_challenge") ?? "" });
      back.searchParams.set("code", code);
    }
    return new Response(null, { status: 303, headers: { location: back.href, "cache-control": "no-store" } });
  }

  async function token(form: URLSearchParams): Promise<Response> {
    if (form.get("client_id") !== options.clientId || form.get("client_secret") !== options.clientSecret) {
      return Response.json({ error: "invalid_client" }, { status: 401 });
    }
    const approved = form.get("grant_type") === "refresh_token"
      ? take(refreshTokens, form.get("refresh_token"))
      : redeem(form);
    if (approved === undefined) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const refreshToken = randomUUID();
    refreshTokens.set(refreshToken, { ...approved, nonce: null });
    const accessToken = randomUUID();
    accessTokens.set(accessToken, now() + tokenLifetimeSeconds);
    return Response.json({
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: tokenLifetimeSeconds,
      refresh_token: refreshToken,
      id_token: await idToken(approved),
    }, { headers: { "cache-control": "no-store" } });
  }

  function redeem(form: URLSearchParams): Approved | undefined {
    const approved = take(codes, form.get("code"));
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    return approved?.challenge === challenge && approved.redirectUri === form.get("redirect_uri")
      ? approved
      : undefined;
  }

  async function idToken({ user, nonce }: Approved): Promise<string> {
    const claims = { ...users[user], ...(nonce === null ? {} : { nonce }) };
    return await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "demo" }).setIssuer(issuer())
      .setSubject(`demo-${user}`).setAudience(options.clientId).setIssuedAt(now())
      .setExpirationTime(now() + tokenLifetimeSeconds).sign((await keys).privateKey);
  }

  async function handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /.well-known/openid-configuration":
        return Response.json(configurationOf(issuer()));
      case "GET /keys":
        return Response.json({ keys: [{ ...await exportJWK((await keys).publicKey), kid: "demo", alg: "ES256" }] });
      case "GET /authorize":
        return authorize(request, searchParams, undefined);
      case "POST /authorize":
        return authorize(request, searchParams, (await readForm(request)).get("user") ?? undefined);
      case "POST /token":
        return await token(await readForm(request));
    }
    return page("This is the demo's sign-in service. Your MCP client leads you to the right page of it.", 404);
  }

  return { handle, isLive: (accessToken) => (accessTokens.get(accessToken) ?? 0) > now() };
}

function configurationOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    scopes_supported: ["openid", "profile", "email", "groups"],
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    token_endpoint_auth_methods_supported: ["client_secret_post"],
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
  };
}

function isOurCallback(redirectUri: string, paths: readonly string[]): boolean {
  return URL.canParse(redirectUri) && /^http:\/\/127\.0\.0\.1:\d+\//.test(redirectUri) &&
    paths.includes(new URL(redirectUri).pathname);
}

function take(approvals: Map<string, Approved>, id: string | null): Approved | undefined {
  const found = approvals.get(id ?? "");
  approvals.delete(id ?? "");
  return found;
}

async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

const signInForm = `<h1>Who are you?</h1>
<p>The demo's stand-in for your company's sign-in, or for the one of another service. No password: it is only on this computer.</p>
<form method="post">
<p><button name="user" value="ada">Ada, of the team</button></p>
<p><button name="user" value="bob">Bob, not of the team</button></p>
<p><button name="user" value="">Cancel</button></p>
</form>`;

function page(body: string, status = 200): Response {
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Demo sign-in</title><style>body{font:1rem/1.5 system-ui;max-width:30rem;margin:10vh auto;padding:0 1rem}
button{font:inherit;width:100%;padding:.7rem}</style>${body}`,
    {
      status,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "cache-control": "no-store",
      },
    },
  );
}
