// GitHub in memory as an Enterprise Server: OAuth, REST and GraphQL, after https://docs.github.com/rest and /graphql.
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { jwtVerify } from "jose";
import { type FakeServer, form, json, problem } from "./fake_server.ts";

export interface FakeGithubUser {
  id: number;
  login: string;
  suspended_at?: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
}

export interface FakeGithub extends FakeServer {
  clientId: string;
  clientSecret: string;
  /** Whoever sits at the browser. */
  user: FakeGithubUser;
  /** Logins whose tokens were taken back. */
  ended: Set<string>;
  /** Members of the organization `acme` by login. */
  members: Map<string, { state: string; teams: string[]; suspended_at?: string; id?: number }>;
  installed: boolean;
  /** GitHub App: tokens of eight hours with a refresh token. OAuth app: one that lasts. */
  expiringTokens: boolean;
  pageSize: number;
  /** What GraphQL says instead of data. */
  graphqlErrors: { type: string; message: string }[] | undefined;
  /** PEM as GitHub gives it: PKCS #1. */
  appKey: string;
  assertions: Record<string, unknown>[];
  /** How many access tokens are good. */
  liveTokens(): number;
  answer: Record<string, string>;
}

/** Of every app here: making an RSA key takes longer than most tests. */
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

export function createFakeGithub({ now }: { now: () => number }): FakeGithub {
  const codes = new Map<string, { challenge: string; login: string }>();
  const tokens = new Map<string, string>();
  const refreshTokens = new Map<string, string>();
  const installationTokens = new Set<string>();

  function give(login: string): Response {
    const accessToken = `gho_${randomUUID()}`;
    tokens.set(accessToken, login);
    if (!fake.expiringTokens) return json({ access_token: accessToken, token_type: "bearer", scope: "" });
    const refreshToken = `ghr_${randomUUID()}`;
    refreshTokens.set(refreshToken, login);
    return json({
      access_token: accessToken,
      token_type: "bearer",
      scope: "",
      expires_in: 28800,
      refresh_token: refreshToken,
    });
  }

  /** Errors are 200 here. */
  async function token(request: Request): Promise<Response> {
    const parameters = await form(request);
    const failed = (error: string) => json({ error, error_description: "secret-text of the provider" });
    if (parameters.client_id !== fake.clientId || parameters.client_secret !== fake.clientSecret) {
      return failed("incorrect_client_credentials");
    }
    if (parameters.grant_type === "refresh_token") {
      const login = refreshTokens.get(parameters.refresh_token!);
      refreshTokens.delete(parameters.refresh_token!);
      return login === undefined || fake.ended.has(login) ? failed("bad_refresh_token") : give(login);
    }
    const code = codes.get(parameters.code!);
    codes.delete(parameters.code!);
    const challenge = createHash("sha256").update(parameters.code_verifier ?? "").digest("base64url");
    return code === undefined || code.challenge !== challenge ? failed("bad_verification_code") : give(code.login);
  }

  function asUser(request: Request, path: string): Response {
    const login = tokens.get(bearerOf(request));
    if (login === undefined || fake.ended.has(login)) return json({ message: "Bad credentials" }, { status: 401 });
    const { emails, ...user } = fake.user;
    return json(path === "/user" ? user : emails);
  }

  async function deleteToken(request: Request): Promise<Response> {
    const basic = Buffer.from(`${fake.clientId}:${fake.clientSecret}`).toString("base64");
    if (request.headers.get("authorization") !== `Basic ${basic}`) return json({}, { status: 404 });
    const { access_token } = await request.json() as { access_token: string };
    return tokens.delete(access_token) ? new Response(null, { status: 204 }) : json({}, { status: 404 });
  }

  async function asApp(request: Request, path: string): Promise<Response> {
    try {
      const { payload } = await jwtVerify(bearerOf(request), publicKey, { currentDate: new Date(now() * 1000) });
      // GitHub's clock is a minute behind ours here, and it takes no `iat` of its future.
      if (payload.iat! > now() - 60 || payload.exp! > now() + 600) {
        throw new Error("'Issued at' claim is in the future");
      }
      fake.assertions.push(payload);
    } catch {
      return json({ message: "A JSON web token could not be decoded" }, { status: 401 });
    }
    if (path === "/orgs/acme/installation") return fake.installed ? json({ id: 77 }) : json({}, { status: 404 });
    const installation = `ghs_${randomUUID()}`;
    installationTokens.add(installation);
    return json({ token: installation, expires_at: new Date((now() + 3600) * 1000).toISOString() }, { status: 201 });
  }

  async function asInstallation(request: Request, path: string): Promise<Response> {
    if (!installationTokens.has(bearerOf(request))) return json({ message: "Bad credentials" }, { status: 401 });
    if (path === "/api/graphql") return await teams(request);
    const login = decodeURIComponent(path.split("/").at(-1)!);
    const member = fake.members.get(login);
    if (member === undefined) return json({ message: "Not Found" }, { status: 404 });
    const { state, suspended_at = null, id = fake.user.id } = member;
    return json({ state, role: "member", user: { login, id, suspended_at } });
  }

  async function teams(request: Request): Promise<Response> {
    if (fake.graphqlErrors !== undefined) return json({ data: null, errors: fake.graphqlErrors });
    const { variables } = await request.json() as { variables: { login: string; after?: string } };
    const slugs = fake.members.get(variables.login)?.teams ?? [];
    const from = Number(variables.after ?? 0);
    const nodes = slugs.slice(from, from + fake.pageSize).map((slug) => ({ slug }));
    const end = from + fake.pageSize;
    const pageInfo = { hasNextPage: end < slugs.length, endCursor: String(end) };
    return json({ data: { organization: { teams: { nodes, pageInfo } } } });
  }

  const fake: FakeGithub = {
    clientId: "Iv1.abc",
    clientSecret: "the client's s3cret",
    user: { id: 583231, login: "octocat", suspended_at: null, emails: [] },
    ended: new Set(),
    members: new Map(),
    installed: true,
    expiringTokens: false,
    pageSize: 2,
    graphqlErrors: undefined,
    appKey: privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    assertions: [],
    liveTokens: () => tokens.size,
    answer: {},
    down: undefined,
    requests: [],
    async handle(request) {
      const { pathname, searchParams: query } = new URL(request.url);
      const path = pathname.replace(/^\/api\/v3/, "");
      if (path === "/login/oauth/authorize") {
        const code = randomUUID();
        codes.set(code, { challenge: query.get("code_challenge")!, login: fake.user.login });
        const back = new URL(query.get("redirect_uri")!);
        back.search = new URLSearchParams({ code, state: query.get("state")!, ...fake.answer }).toString();
        return new Response(null, { status: 302, headers: { location: back.href } });
      }
      if (path === "/login/oauth/access_token") return await token(request);
      if (path === `/applications/${fake.clientId}/token` && request.method === "DELETE") {
        return await deleteToken(request);
      }
      if (path === "/user" || path === "/user/emails") return asUser(request, path);
      if (path.endsWith("/installation") || path.endsWith("/access_tokens")) return await asApp(request, path);
      if (path.startsWith("/orgs/acme/memberships/") || path === "/api/graphql") {
        return await asInstallation(request, path);
      }
      return problem(404, "not_found");
    },
  };
  return fake;
}

function bearerOf(request: Request): string {
  return (request.headers.get("authorization") ?? "").replace("Bearer ", "");
}
