import assert from "node:assert/strict";
import { test } from "node:test";
import type { OAuthError } from "../../lib/oauth/errors.ts";
import { clientTools, stateSecrets } from "../support/client_tools.ts";

const vscode = {
  client_name: "Visual Studio Code",
  redirect_uris: [
    "https://insiders.vscode.dev/redirect",
    "https://vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
  ],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  application_type: "native",
};

test("S2-15: the answer has every member that clients read, and none without a value (RFC 7591 §3.2.1)", async () => {
  const { clients, now } = clientTools();
  const { client_id, ...information } = await clients.register({ ...vscode, client_uri: null, scope: "openid admin" });
  assert.equal(typeof client_id, "string");
  assert.deepEqual(information, {
    client_id_issued_at: now(),
    client_name: "Visual Studio Code",
    redirect_uris: vscode.redirect_uris,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "native",
  });
});

test("S2-15: the registration is logged with the client's name and redirect URIs", async () => {
  const { clients, events } = clientTools();
  const { client_id } = await clients.register(vscode);
  assert.deepEqual(events.map(({ event }) => event), ["client_registered"]);
  assert.deepEqual(events[0]!.fields, {
    client_id,
    client_name: "Visual Studio Code",
    redirect_uris: vscode.redirect_uris,
    token_endpoint_auth_method: "none",
  });
});

test("S2-16: what was registered is found again by its id, on another replica and after a restart", async () => {
  const { client_id } = await clientTools().clients.register(vscode);
  const client = await clientTools().clients.find(client_id as string);
  assert.deepEqual(client, {
    clientId: client_id as string,
    name: "Visual Studio Code",
    redirectUris: vscode.redirect_uris,
    refusedRedirects: [],
    source: "dynamic",
    trusted: false,
    authentication: { method: "none" },
  });
});

test("registering twice gives the same id; another name or redirect URI gives another", async () => {
  const { clients, clock } = clientTools();
  const first = await clients.register(vscode);
  clock.now += 86_400;
  const second = await clients.register({ ...vscode, software_version: "2", grant_types: undefined });
  assert.equal(second.client_id, first.client_id);
  for (const change of [{ client_name: "Other" }, { redirect_uris: ["http://localhost/cb"] }]) {
    assert.notEqual((await clients.register({ ...vscode, ...change })).client_id, first.client_id);
  }
});

test("an id from before a change of state_secret is found while the old secret is in previous_state_secrets", async () => {
  const { client_id } = await clientTools({}, [stateSecrets.first]).clients.register(vscode);
  const rotated = clientTools({}, [stateSecrets.second, stateSecrets.first]).clients;
  assert.equal((await rotated.find(client_id as string)).name, "Visual Studio Code");
  await assert.rejects(clientTools({}, [stateSecrets.second]).clients.find(client_id as string), {
    code: "invalid_client",
    status: 401,
  });
});

test("an id that was changed in any one character is unknown", async () => {
  const { clients } = clientTools();
  const { client_id } = await clients.register({ redirect_uris: ["http://localhost/cb"] });
  const id = client_id as string;
  for (let i = 0; i < id.length; i++) {
    const other = id[i] === "A" ? "B" : "A";
    await assert.rejects(
      clients.find(id.slice(0, i) + other + id.slice(i + 1)),
      { code: "invalid_client" },
      `position ${i}`,
    );
  }
  for (const cut of [id.slice(1), id.slice(0, -1), `${id}A`, `${id}.`, ""]) {
    await assert.rejects(clients.find(cut), { code: "invalid_client" });
  }
});

test("S2-17: each redirect URI has to be allowed; the refusal names it and the line that would allow it", async () => {
  const { clients } = clientTools({ redirects: ["loopback"] });
  const cursor = {
    redirect_uris: ["http://localhost:8787/callback", "cursor://anysphere.cursor-mcp/oauth/callback"],
  };
  await assert.rejects(clients.register(cursor), (error: OAuthError) => {
    assert.equal(error.code, "invalid_redirect_uri");
    assert.equal(error.status, 400);
    assert.match(error.message, /cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback/);
    assert.equal(error.operatorHint, '[clients]\nredirects = ["loopback", "cursor"]');
    return true;
  });
});

for (
  const uri of [
    "javascript:alert(1)",
    "http://evil.example/cb",
    "https://claude.ai@evil.example/",
    "https://evil.example/cb",
    "x",
  ]
) {
  test(`S2-17: the redirect URI ${uri} is refused`, async () => {
    const registration = clientTools().clients.register({ redirect_uris: ["http://localhost/cb", uri] });
    await assert.rejects(registration, { code: "invalid_redirect_uri", status: 400 });
  });
}

test("a URI with control characters is shown harmlessly in the refusal", async () => {
  const registration = clientTools().clients.register({ redirect_uris: ["https://e.example/\u202e\r\nSet-Cookie: x"] });
  await assert.rejects(registration, (error: OAuthError) => /^[\x20-\x7E]+$/.test(error.message));
});

test("the policy counts again at use: a preset that was taken away stops its redirect URIs and says why", async () => {
  const { client_id } = await clientTools().clients.register(vscode);
  const client = await clientTools({ redirects: ["loopback"] }).clients.find(client_id as string);
  assert.deepEqual(client.redirectUris, ["http://127.0.0.1/", "http://127.0.0.1:33418/"]);
  assert.deepEqual(client.refusedRedirects.map(({ uri, operatorHint }) => [uri, operatorHint]), [
    ["https://insiders.vscode.dev/redirect", '[clients]\nredirects = ["loopback", "vscode"]'],
    ["https://vscode.dev/redirect", '[clients]\nredirects = ["loopback", "vscode"]'],
  ]);
});

for (const method of ["client_secret_basic", "client_secret_post"] as const) {
  test(`a client that asks for ${method} gets a secret of its own that never expires and survives rotation`, async () => {
    const { clients } = clientTools();
    const metadata = { redirect_uris: ["https://claude.ai/api/mcp/auth_callback"], token_endpoint_auth_method: method };
    const first = await clients.register(metadata);
    const second = await clients.register(metadata);
    assert.match(first.client_secret as string, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(first.client_secret_expires_at, 0);
    assert.equal(first.token_endpoint_auth_method, method);
    assert.notEqual(second.client_secret, first.client_secret, "the same metadata must not give away another's secret");
    const rotated = clientTools({}, [stateSecrets.second, stateSecrets.first]).clients;
    const { authentication } = await rotated.find(first.client_id as string);
    assert.ok(authentication.method === method);
    assert.equal(authentication.secret.reveal(), first.client_secret);
  });
}

test("the secret is neither in the log nor readable in the id", async () => {
  const { clients, events } = clientTools();
  const metadata = { redirect_uris: ["http://localhost/cb"], token_endpoint_auth_method: "client_secret_post" };
  const { client_id, client_secret } = await clients.register(metadata);
  const decoded = (client_id as string).split(".").map((part) => Buffer.from(part, "base64url").toString("latin1"))
    .join();
  for (const text of [JSON.stringify(events), decoded]) assert.ok(!text.includes(client_secret as string));
});

test("a client of one redirect URI has an id that fits into any URL; one that would not fit is refused", async () => {
  const { clients } = clientTools();
  const { client_id } = await clients.register({
    client_name: "Claude",
    redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
  });
  assert.ok((client_id as string).length < 260, `${(client_id as string).length} characters`);
  const random = (i: number) =>
    Buffer.from(Array.from({ length: 300 }, (_, j) => (i * 31 + j * j * 17) % 251)).toString("base64url");
  const long = Array.from({ length: 10 }, (_, i) => `http://localhost/${random(i)}`);
  await assert.rejects(clients.register({ redirect_uris: long }), { code: "invalid_client_metadata" });
});

test("dynamic_registration = false: nothing is registered, ids issued before are unknown, and the refusal says which line to write", async () => {
  const { client_id } = await clientTools().clients.register(vscode);
  const { clients } = clientTools({ dynamicRegistration: false });
  await assert.rejects(clients.register(vscode), {
    status: 403,
    operatorHint: "[clients]\ndynamic_registration = true",
  });
  await assert.rejects(clients.find(client_id as string), { code: "invalid_client" });
});

test("S1-09: an unknown client_id is refused with what to do about it", async () => {
  for (const id of ["claude", "eyJhbGciOiJkaXIifQ..a.b.c", "__proto__", "x".repeat(100_000)]) {
    await assert.rejects(clientTools().clients.find(id), { code: "invalid_client", message: /register again/ });
  }
});
