// Google in memory: sign-in, the token endpoint of service accounts and the Directory API, after
// https://developers.google.com/identity/openid-connect/openid-connect and https://developers.google.com/workspace/admin/directory
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createPublicKey } from "node:crypto";
import { jwtVerify } from "jose";
import { createFakeOpenId, type FakeOpenId } from "./fake_openid.ts";
import { form, json, problem } from "./fake_server.ts";

export interface FakeGoogle extends FakeOpenId {
  /** Accounts of the Workspace by address. */
  directory: Map<string, { suspended?: boolean; archived?: boolean; deletionTime?: string; groups: string[] }>;
  /** Claims of the assertions that the service account sent. */
  assertions: Record<string, unknown>[];
  /** Groups a page. */
  pageSize: number;
  /** JSON of the service account's key. */
  serviceAccount: string;
  /** What the Directory answers instead, to a request whose URL holds `path`. */
  directoryAnswer: { path: string; answer: Response } | undefined;
  /** The token endpoint's answer to a service account, instead of a token. */
  delegationAnswer: Response | undefined;
}

/** Of every service account here: making an RSA key takes longer than most tests. */
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

export async function createFakeGoogle(options: { issuer: string; now: () => number }): Promise<FakeGoogle> {
  const openId = await createFakeOpenId({ ...options, hide: ["groups"] });
  const tokenUrl = `${options.issuer}/service-token`;
  const tokens = new Set<string>();
  const fake: FakeGoogle = Object.assign(openId, {
    directory: new Map(),
    assertions: [],
    directoryAnswer: undefined,
    delegationAnswer: undefined,
    pageSize: 2,
    serviceAccount: JSON.stringify({
      type: "service_account",
      client_email: "proxy@project.iam.gserviceaccount.com",
      private_key: privateKey,
      token_uri: tokenUrl,
    }),
  });

  async function serviceToken(request: Request): Promise<Response> {
    const { assertion, grant_type } = await form(request);
    if (grant_type !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return problem(400, "unsupported_grant_type");
    const { payload } = await jwtVerify(assertion!, createPublicKey(publicKey), {
      audience: [tokenUrl, "https://oauth2.googleapis.com/token"],
      currentDate: new Date(options.now() * 1000),
    });
    fake.assertions.push(payload);
    if (fake.delegationAnswer !== undefined) return fake.delegationAnswer.clone();
    const token = `directory-${randomUUID()}`;
    tokens.add(token);
    return json({ access_token: token, expires_in: 3599, token_type: "Bearer" });
  }

  function directory(request: Request, url: URL): Response {
    if (fake.directoryAnswer !== undefined && url.pathname.includes(fake.directoryAnswer.path)) {
      return fake.directoryAnswer.answer.clone();
    }
    if (!tokens.has((request.headers.get("authorization") ?? "").replace("Bearer ", ""))) return problem(401, "unauth");
    const email = /\/users\/(.+)$/.exec(url.pathname)?.[1] ?? url.searchParams.get("userKey")!;
    const account = fake.directory.get(decodeURIComponent(email));
    if (account === undefined) return json({ error: { code: 404, message: "Resource Not Found" } }, { status: 404 });
    const { groups, ...user } = account;
    if (url.pathname.includes("/users/")) return json({ kind: "admin#directory#user", primaryEmail: email, ...user });
    const from = Number(url.searchParams.get("pageToken") ?? 0);
    const page = groups.slice(from, from + fake.pageSize);
    return json({
      kind: "admin#directory#groups",
      ...(page.length === 0 ? {} : { groups: page.map((group) => ({ email: group, name: "a name" })) }),
      ...(from + fake.pageSize < groups.length ? { nextPageToken: String(from + fake.pageSize) } : {}),
    });
  }

  const { handle } = openId;
  fake.handle = async (request) => {
    const url = new URL(request.url);
    if (url.pathname.endsWith("/service-token") || url.host === "oauth2.googleapis.com") {
      return await serviceToken(request);
    }
    return url.pathname.startsWith("/admin/directory/v1/") ? directory(request, url) : await handle(request);
  };
  return fake;
}
