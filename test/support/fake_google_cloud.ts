// Google Cloud in memory, for service accounts without a key: the metadata server, IAM Credentials, the token endpoint and the
// token exchange, after https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys,
// https://cloud.google.com/iam/docs/reference/credentials/rest and https://google.aip.dev/auth/4117
import { randomUUID } from "node:crypto";
import { decodeJwt, importPKCS8, SignJWT } from "jose";
import type { FakeGoogle } from "./fake_google.ts";
import { type FakeServer, form, json, problem } from "./fake_server.ts";

export interface FakeGoogleCloud extends FakeServer {
  /** What this machine runs as; undefined: nothing is attached. GKE has `PROJECT.svc.id.goog` where no account is meant. */
  machine: string | undefined;
  /** `WHO PERMISSION ACCOUNT` of all that is granted, such as `a@x iam.serviceAccounts.signJwt b@x`. */
  granted: Set<string>;
  /** What IAM Credentials answers instead. */
  iamAnswer: Response | undefined;
  /** `delegates` of the last request to IAM Credentials. */
  delegates: unknown;
  /** The tokens that the token exchange takes, and whose they are. */
  foreign: Map<string, string>;
  /** Refresh tokens of `authorized_user`, and whose they are. */
  users: Map<string, string>;
}

const signs = "iam.serviceAccounts.signJwt";

export function createFakeGoogleCloud(google: FakeGoogle): FakeGoogleCloud {
  const holders = new Map<string, string>();
  const fake: FakeGoogleCloud = {
    machine: "vm@project.iam.gserviceaccount.com",
    granted: new Set(),
    iamAnswer: undefined,
    delegates: undefined,
    foreign: new Map(),
    users: new Map(),
    down: undefined,
    requests: [],
    handle,
  };

  function tokenOf(holder: string): string {
    const token = `cloud-token-${randomUUID()}`;
    holders.set(token, holder);
    return token;
  }

  function metadata(request: Request, url: URL): Response {
    const headers = { "metadata-flavor": "Google" };
    if (request.headers.get("metadata-flavor") !== "Google") return new Response("", { status: 403, headers });
    const path = url.pathname.replace("/computeMetadata/v1/instance/service-accounts/default/", "");
    if (fake.machine === undefined) return new Response("not found", { status: 404, headers });
    if (path === "token") return json({ access_token: tokenOf(fake.machine), expires_in: 3599 }, { headers });
    const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
    return json({ aliases: ["default"], email: fake.machine, scopes }, { headers });
  }

  async function iam(request: Request, url: URL): Promise<Response> {
    if (fake.iamAnswer !== undefined) return fake.iamAnswer.clone();
    const [, account, method] = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):(\w+)$/.exec(url.pathname)!;
    const holder = holders.get((request.headers.get("authorization") ?? "").replace("Bearer ", ""));
    if (holder === undefined) return problem(401, "UNAUTHENTICATED");
    const { payload, delegates } = await request.json();
    fake.delegates = delegates;
    const permission = method === "signJwt" ? signs : "iam.serviceAccounts.getAccessToken";
    if (!fake.granted.has(`${holder} ${permission} ${account}`)) return denied("IAM_PERMISSION_DENIED", { permission });
    if (method === "generateAccessToken") {
      return json({ accessToken: tokenOf(account!), expireTime: "2030-01-01T00:00:00Z" });
    }
    const key = await importPKCS8(JSON.parse(google.serviceAccount).private_key, "RS256");
    const signedJwt = await new SignJWT(JSON.parse(payload)).setProtectedHeader({ alg: "RS256" }).sign(key);
    return json({ keyId: "1", signedJwt });
  }

  /** An account for itself, or a user; one that acts for somebody is the Workspace's. */
  async function token(request: Request): Promise<Response> {
    const { grant_type, refresh_token, assertion } = await form(request);
    const user = grant_type === "refresh_token" ? fake.users.get(refresh_token!) : undefined;
    if (user !== undefined) return json({ access_token: tokenOf(user) });
    const claims = assertion === undefined ? undefined : decodeJwt(assertion);
    return claims !== undefined && claims.sub === undefined
      ? json({ access_token: tokenOf(String(claims.iss)) })
      : problem(404, "not_found");
  }

  async function exchange(request: Request): Promise<Response> {
    const asked = await form(request);
    const holder = fake.foreign.get(asked.subject_token ?? "");
    if (holder === undefined || asked.audience !== "//iam.googleapis.com/pool") return problem(400, "invalid_grant");
    return json({ access_token: tokenOf(holder), token_type: "Bearer", expires_in: 3600 });
  }

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    switch (url.host) {
      case "metadata.google.internal":
        return metadata(request, url);
      case "iamcredentials.googleapis.com":
        return await iam(request, url);
      case "sts.googleapis.com":
        return await exchange(request);
      default:
        return /^(oauth2\.googleapis\.com\/token|[^/]+\/service-token)$/.test(url.host + url.pathname)
          ? await token(request)
          : problem(404, "not_found");
    }
  }
  return fake;
}

/** A 403 of Google's APIs (https://google.aip.dev/193). */
export function denied(reason: string, metadata: Record<string, string> = {}): Response {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com", metadata };
  const error = { code: 403, message: "secret-text of Google", status: "PERMISSION_DENIED", details: [info] };
  return json({ error }, { status: 403 });
}
