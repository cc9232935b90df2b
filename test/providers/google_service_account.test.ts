// Google Workspace without a key on disk: the machine's own account, impersonation and workload identity federation (S2-57).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ProviderConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { google } from "../../lib/providers/google.ts";
import { createFakeGoogle } from "../support/fake_google.ts";
import { createFakeGoogleCloud, denied } from "../support/fake_google_cloud.ts";
import { fetchFrom, json } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, signIn } from "../support/provider_trip.ts";

const issuer = "https://accounts.example.com";
const machine = "vm@project.iam.gserviceaccount.com";
const reader = "groups-reader@project.iam.gserviceaccount.com";
const keyed = "proxy@project.iam.gserviceaccount.com";
const signs = "iam.serviceAccounts.signJwt";
const impersonates = "iam.serviceAccounts.getAccessToken";
const urlOf = (account: string) =>
  `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`;

async function setUp(changes: Partial<ProviderConfig> | ((key: string) => Partial<ProviderConfig>)) {
  const fake = await createFakeGoogle({ issuer, now: () => clock });
  fake.user = { sub: "1076915", email: "ada@example.com", email_verified: true, hd: "example.com" };
  fake.directory.set("ada@example.com", { groups: ["eng@example.com"] });
  fake.directory.set("admin@example.com", { groups: [] });
  const cloud = createFakeGoogleCloud(fake);
  const changed = typeof changes === "function" ? changes(fake.serviceAccount) : changes;
  const config = providerConfig("google", fake, { issuer, apiUrl: issuer, ...changed });
  const provider = google(config, { fetch: fetchFrom(cloud, fake) });
  const check = async () => (await provider.check(clock)).find(({ probe }) => probe === "workspace groups")!;
  return { fake, cloud, provider, check };
}

const file = (content: unknown) => ({ serviceAccountFile: secret(JSON.stringify(content)) });

const impersonated = (source: unknown, more: Record<string, unknown> = {}) =>
  file({
    type: "impersonated_service_account",
    service_account_impersonation_url: urlOf(reader),
    source_credentials: source,
    ...more,
  });

test("S2-57: the machine's own account signs for itself, and for the user who signs in or the administrator", async () => {
  for (const [adminEmail, subject] of [[undefined, "ada@example.com"], ["admin@example.com", "admin@example.com"]]) {
    const { fake, cloud, provider } = await setUp({ serviceAccount: "metadata", adminEmail });
    cloud.granted.add(`${machine} ${signs} ${machine}`);
    assert.deepEqual((await signIn(provider, fake)).identity.groups, ["eng@example.com"]);
    const { jti, ...claims } = fake.assertions[0]!;
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      iss: machine,
      sub: subject,
      aud: "https://oauth2.googleapis.com/token",
      scope:
        "https://www.googleapis.com/auth/admin.directory.user.readonly https://www.googleapis.com/auth/admin.directory.group.readonly",
      iat: clock,
      nbf: clock,
      exp: clock + 60,
    });
  }
});

test("S2-57: whoever may sign for the account that reads groups: machine, key, impersonation, another cloud's token", async () => {
  const folder = mkdtempSync(join(tmpdir(), "federation-"));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, JSON.stringify({ nested: "no", id_token: "from-a-file" }));
  const external = (credential_source: unknown) =>
    file({
      type: "external_account",
      audience: "//iam.googleapis.com/pool",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      service_account_impersonation_url: urlOf(reader),
      credential_source,
    });
  const user = { type: "authorized_user", client_id: "c", client_secret: "s", refresh_token: "ada's" };
  const between = { delegates: ["between@project.iam.gserviceaccount.com"] };
  const json = { type: "json", subject_token_field_name: "id_token" };
  type Way = Parameters<typeof setUp>[0];
  const ways: [what: string, way: Way, granted: string[]][] = [
    ["the machine for another", { serviceAccount: reader }, [`${machine} ${signs} ${reader}`]],
    ["a key for another", (key) => ({ ...file(JSON.parse(key)), serviceAccount: reader }), [
      `${keyed} ${signs} ${reader}`,
    ]],
    ["a key's impersonation", (key) => impersonated(JSON.parse(key)), [`${keyed} ${signs} ${reader}`]],
    ["a user's impersonation", impersonated(user, between), [`ada ${signs} ${reader}`]],
    ["a file's token", external({ file: tokenFile, format: json }), [
      `pod ${impersonates} ${reader}`,
      `${reader} ${signs} ${reader}`,
    ]],
    [
      "a URL's token",
      external({
        url: "http://metadata.google.internal/computeMetadata/v1/x",
        headers: { "Metadata-Flavor": "Google" },
        format: { type: "json", subject_token_field_name: "email" },
      }),
      [
        `vm ${impersonates} ${reader}`,
        `${reader} ${signs} ${reader}`,
      ],
    ],
  ];
  for (const [what, way, granted] of ways) {
    const { fake, cloud, provider, check } = await setUp(way);
    cloud.users.set("ada's", "ada");
    cloud.foreign.set("from-a-file", "pod").set(machine, "vm");
    for (const grant of granted) cloud.granted.add(grant);
    assert.deepEqual((await signIn(provider, fake)).identity.groups, ["eng@example.com"], what);
    assert.deepEqual([fake.assertions[0]!.iss, fake.assertions[0]!.sub], [reader, "ada@example.com"], what);
    const { ok, message } = await check();
    assert.ok(ok && message.includes(reader), message);
    if (what.startsWith("a user's")) {
      assert.deepEqual(cloud.delegates, ["projects/-/serviceAccounts/between@project.iam.gserviceaccount.com"]);
    }
    for (const grant of granted) {
      cloud.granted.delete(grant);
      const { kind, message } = await failureOf(signIn(provider, fake));
      const [, permission, on] = grant.split(" ");
      assert.equal(kind, "broken", what);
      assert.ok(message.includes(`permission ${permission} is missing`) && message.includes(`on ${on}`), message);
      cloud.granted.add(grant);
    }
  }
  rmSync(folder, { recursive: true });
});

test("S2-57: check says what is missing, and where it is given", async () => {
  type Setting = Awaited<ReturnType<typeof setUp>>;
  const forbidden = (reason: string) => json({ error: { code: 403, errors: [{ reason }] } }, { status: 403 });
  const cases: [what: string, change: (setting: Setting) => void, said: RegExp][] = [
    [
      "no metadata server",
      ({ cloud }) => cloud.down = { path: "/computeMetadata", answer: "unreachable" },
      /only machines of Google Cloud have a metadata server, elsewhere write service_account_file/,
    ],
    [
      "another server",
      ({ cloud }) => cloud.down = { path: "/computeMetadata", answer: json({ email: machine }) },
      /is somebody else/,
    ],
    ["no account on the machine", ({ cloud }) => cloud.machine = undefined, /attach one to this machine/],
    [
      "GKE without a Google account",
      ({ cloud }) => cloud.machine = "project.svc.id.goog",
      /iam\.gke\.io\/gcp-service-account/,
    ],
    [
      "no permission",
      ({ cloud }) => cloud.granted.clear(),
      /permission iam\.serviceAccounts\.signJwt is missing; grant roles\/iam\.serviceAccountTokenCreator on vm@project\.iam\.gserviceaccount\.com/,
    ],
    [
      "the API is off",
      ({ cloud }) => cloud.iamAnswer = denied("SERVICE_DISABLED"),
      /enable iamcredentials\.googleapis\.com/,
    ],
    [
      "a narrow access scope",
      ({ cloud }) => cloud.iamAnswer = denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
      /access scope cloud-platform/,
    ],
    [
      "a 403 that says nothing",
      ({ cloud }) => cloud.iamAnswer = new Response("<html>", { status: 403 }),
      /permission iam\.serviceAccounts\.signJwt/,
    ],
    [
      "busy",
      ({ cloud }) => cloud.iamAnswer = json({}, { status: 429 }),
      /iamcredentials\.googleapis\.com answered 429/,
    ],
    [
      "no delegation",
      ({ fake }) => fake.delegationAnswer = json({ error: "unauthorized_client" }, { status: 401 }),
      /no domain-wide delegation.*admin\.google\.com/,
    ],
    [
      "no such administrator",
      ({ fake }) => fake.delegationAnswer = json({ error: "invalid_grant" }, { status: 400 }),
      /check admin_email/,
    ],
    [
      "the Admin SDK is off",
      ({ fake }) => fake.directoryAnswer = { path: "/", answer: forbidden("accessNotConfigured") },
      /enable admin\.googleapis\.com/,
    ],
    [
      "may not read users",
      ({ fake }) => fake.directoryAnswer = { path: "/users/", answer: forbidden("forbidden") },
      /may not read users; write an admin_email/,
    ],
    [
      "may not read groups",
      ({ fake }) => fake.directoryAnswer = { path: "/groups", answer: forbidden("forbidden") },
      /may not read groups; write an admin_email/,
    ],
  ];
  for (const [what, change, said] of cases) {
    const setting = await setUp({ serviceAccount: "metadata", adminEmail: "admin@example.com" });
    setting.cloud.granted.add(`${machine} ${signs} ${machine}`);
    assert.ok((await setting.check()).ok, "before");
    change(setting);
    const { ok, message } = await setting.check();
    assert.ok(!ok && said.test(message), `${what}: ${message}`);
    assert.doesNotMatch(message, /secret-text|cloud-token/, what);
    const { kind } = await failureOf(signIn(setting.provider, setting.fake));
    assert.equal(kind, ["no metadata server", "busy"].includes(what) ? "unavailable" : "broken", what);
  }
});

test("S2-57: credentials that are none of Google's kinds, or name another place for a token, are refused before one is sent", async () => {
  const external = { type: "external_account", audience: "//iam.googleapis.com/pool" };
  const url = { service_account_impersonation_url: urlOf(reader) };
  const source = { credential_source: { url: "http://metadata.google.internal/x" } };
  const cases: [what: string, content: Record<string, unknown>][] = [
    ["another type", { type: "gdch_service_account", ...url }],
    ["no impersonation", { ...external, ...source }],
    ["another host", {
      ...external,
      ...source,
      service_account_impersonation_url: urlOf(reader).replace("googleapis.com", "evil.example"),
    }],
    ["without TLS", {
      ...external,
      ...source,
      service_account_impersonation_url: urlOf(reader).replace("https", "http"),
    }],
    ["something after it", { ...external, ...source, service_account_impersonation_url: `${urlOf(reader)}?x` }],
    ["a path in the account", { ...external, ...source, service_account_impersonation_url: urlOf("a%2F..@x.example") }],
    ["another exchange", { ...external, ...url, ...source, token_url: "https://sts.evil.example/v1/token" }],
    ["a source of AWS", {
      ...external,
      ...url,
      credential_source: { environment_id: "aws1", url: "http://169.254.169.254/" },
    }],
    ["no source", { ...external, ...url }],
    ["delegates that are none", {
      type: "impersonated_service_account",
      ...url,
      delegates: ["a/b"],
      source_credentials: {},
    }],
  ];
  for (const [what, content] of cases) {
    const { fake, cloud, provider, check } = await setUp(file(content));
    const { kind, message } = await failureOf(signIn(provider, fake));
    assert.equal(kind, "broken", what);
    assert.match(message, /service_account_file/, what);
    assert.match((await check()).message, /service_account_file/, what);
    assert.deepEqual(
      cloud.requests.filter((request) => /google|169|evil|serviceAccounts|v1\/token/.test(request)),
      [],
      what,
    );
  }
});
