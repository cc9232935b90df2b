import assert from "node:assert/strict";
import { test } from "node:test";
import { parseClientIdUrl } from "../../lib/clients/client_id_metadata_document.ts";
import { checkRequestedRedirectUri } from "../../lib/clients/requested_redirect_uri.ts";
import { PrivateAddressError } from "../../lib/http/fetch_target.ts";
import { FetchFailedError } from "../../lib/http/safe_fetch.ts";
import type { OAuthError } from "../../lib/oauth/errors.ts";
import { clientTools } from "../support/client_tools.ts";

const url = "https://app.example.com/oauth/client-metadata.json";
const document = {
  client_id: url,
  client_name: "Example MCP Client",
  client_uri: "https://app.example.com",
  logo_uri: "https://app.example.com/logo.png",
  redirect_uris: ["http://127.0.0.1:3000/callback", "http://localhost:3000/callback"],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};

test("S2-19: the document of the MCP specification's example makes a client with a verified host", async () => {
  const { clients, documents } = clientTools();
  documents.set(url, { body: document });
  assert.deepEqual(await clients.find(url), {
    clientId: url,
    name: "Example MCP Client",
    redirectUris: document.redirect_uris,
    refusedRedirects: [],
    source: "metadata_document",
    verifiedHost: "app.example.com",
    trusted: false,
    authentication: { method: "none" },
  });
});

for (
  const clientId of [
    "https://example.com/client.json",
    "https://example.com/a/b",
    "https://example.com:8443/c",
    "https://example.com/c?v=1",
    "https://xn--bcher-kva.example/c",
    "https://example.com/...",
    "https://example.com/.well-known/c",
  ]
) {
  test(`${clientId} can be a client_id (draft-ietf-oauth-client-id-metadata-document-00 §3)`, () => {
    assert.equal(parseClientIdUrl(clientId).href, clientId);
  });
}

for (
  const [clientId, why] of [
    ["http://example.com/c", /https/],
    ["http://127.0.0.1:1/c", /https/],
    ["https://example.com", /path/],
    ["https://example.com/", /path/],
    ["https://example.com?c", /path/],
    ["https://example.com/c#x", /fragment/],
    ["https://example.com/c#", /fragment/],
    ["https://user@example.com/c", /user name/],
    ["https://user:pw@example.com/c", /user name/],
    ["https://claude.ai@evil.example/c", /user name/],
    ["https://example.com/a/../c", /segment/],
    ["https://example.com/./c", /segment/],
    ["https://example.com/a/..", /segment/],
    ["https://example.com/%2e%2E/c", /segment/],
    ["https://example.com/a/.%2e?x", /segment/],
    ["HTTPS://example.com/c", /written as/],
    ["https://EXAMPLE.com/c", /written as/],
    ["https://example.com:443/c", /written as/],
    ["https:/example.com/c", /written as/],
    ["https:example.com/c", /written as/],
    ["https:///example.com/c", /written as/],
    ["https:\\\\example.com\\c", /written as/],
    ["https://example.com\\@evil.example/c", /written as|user name/],
    ["https://example.com/c?a\\b", /backslash/],
    ["https://bücher.example/c", /valid/],
    ["https://example.com/c d", /valid/],
    ["https://example.com/c\n", /valid/],
    ["https://example.com:99999/c", /valid/],
    ["https://", /valid/],
    [`https://example.com/${"c".repeat(1000)}`, /longer/],
  ] as const
) {
  test(`${JSON.stringify(clientId.slice(0, 50))} can't be a client_id, and nothing is fetched`, async () => {
    const { clients, fetched } = clientTools();
    await assert.rejects(clients.find(clientId), { code: "invalid_client", message: why });
    assert.deepEqual(fetched, []);
  });
}

for (
  const [why, answer, message] of [
    ["has another client_id", { body: { ...document, client_id: `${url}/` } }, /client_id must be exactly/],
    [
      "has the client_id in other case",
      { body: { ...document, client_id: url.toUpperCase() } },
      /client_id must be exactly/,
    ],
    ["has no client_id", { body: { ...document, client_id: undefined } }, /it is missing/],
    ["has no client_name", { body: { ...document, client_name: undefined } }, /client_name is missing/],
    [
      "has a name of control characters",
      { body: { ...document, client_name: "\u0000\u202e " } },
      /client_name is missing/,
    ],
    ["has no redirect_uris", { body: { ...document, redirect_uris: undefined } }, /redirect_uris/],
    ["has an empty redirect_uris", { body: { ...document, redirect_uris: [] } }, /redirect_uris/],
    ["has a client_secret", { body: { ...document, client_secret: "x" } }, /must not have client_secret/],
    [
      "has client_secret_expires_at",
      { body: { ...document, client_secret_expires_at: 0 } },
      /must not have client_secret_expires_at/,
    ],
    [
      "wants client_secret_basic",
      { body: { ...document, token_endpoint_auth_method: "client_secret_basic" } },
      /can't hold a secret/,
    ],
    [
      "wants client_secret_post",
      { body: { ...document, token_endpoint_auth_method: "client_secret_post" } },
      /can't hold a secret/,
    ],
    [
      "wants client_secret_jwt",
      { body: { ...document, token_endpoint_auth_method: "client_secret_jwt" } },
      /token_endpoint_auth_method/,
    ],
    [
      "wants private_key_jwt without keys",
      { body: { ...document, token_endpoint_auth_method: "private_key_jwt" } },
      /jwks/,
    ],
    ["is a list", { body: [document] }, /client_id must be exactly/],
    ["is null", { body: "null" }, /client_id must be exactly/],
    ["is no JSON", { body: "<html>" }, /valid JSON/],
    [
      "is JSON with the type text/html",
      { headers: { "content-type": "text/html" }, body: document },
      /application\/json/,
    ],
    ["has no type", { headers: { "content-type": "" }, body: document }, /application\/json/],
    ["is not there", { status: 404, body: document }, /answered 404/],
    ["comes with 201", { status: 201, body: document }, /answered 201/],
  ] as const
) {
  test(`S2-19: a document is refused when it ${why}, and is fetched again next time`, async () => {
    const { clients, documents, fetched } = clientTools();
    documents.set(url, answer);
    await assert.rejects(clients.find(url), { code: "invalid_client", message });
    documents.set(url, { body: document });
    assert.equal((await clients.find(url)).name, "Example MCP Client");
    assert.equal(fetched.length, 2);
  });
}

test("application/<something>+json with parameters is JSON as well (draft §4.1)", async () => {
  const { clients, documents } = clientTools();
  documents.set(url, {
    headers: { "content-type": "Application/Client-Metadata+JSON; charset=utf-8" },
    body: document,
  });
  assert.equal((await clients.find(url)).name, "Example MCP Client");
});

test("a document of more than 5 KB is refused (draft §6.6)", async () => {
  const { clients, documents } = clientTools();
  documents.set(url, { body: { ...document, padding: "x".repeat(5_120) } });
  await assert.rejects(clients.find(url), { code: "temporarily_unavailable", message: /5120 bytes/ });
});

test("a client can't learn which names of our network exist: a name that leads inside is answered like one that leads nowhere", async () => {
  const reasons = [
    "10.1.2.3 refused the connection",
    new PrivateAddressError("app.example.com resolves to 10.1.2.3, which is not a public address"),
    new FetchFailedError("app.example.com: getaddrinfo ENOTFOUND"),
  ];
  const { clients, documents, events } = clientTools();
  const answers: unknown[] = [];
  for (const reason of reasons) {
    documents.set(url, typeof reason === "string" ? new FetchFailedError(reason) : reason);
    const { code, status, message, retryAfterSeconds } = await clients.find(url).catch((error: OAuthError) =>
      error
    ) as OAuthError;
    answers.push({ code, status, message, retryAfterSeconds });
  }
  assert.deepEqual(answers, answers.map(() => answers[0]));
  assert.match(JSON.stringify(answers[0]), /"status":503/);
  assert.doesNotMatch(JSON.stringify(answers[0]), /10\.1\.2\.3/);
  assert.deepEqual(events.map(({ event }) => event), reasons.map(() => "client_document_refused"));
  assert.match(String(events[1]!.fields.error), /can't be fetched/);
  assert.match(String((events[1]!.fields.error as Error).cause), /resolves to 10\.1\.2\.3/);
});

test("redirect URIs that the policy does not allow are left out; the others work", async () => {
  const { clients, documents } = clientTools({ redirects: ["loopback"] });
  documents.set(url, {
    body: { ...document, redirect_uris: ["http://127.0.0.1/", "https://vscode.dev/redirect", "javascript:alert(1)"] },
  });
  const client = await clients.find(url);
  assert.deepEqual(client.redirectUris, ["http://127.0.0.1/"]);
  assert.deepEqual(client.refusedRedirects.map(({ uri }) => uri), [
    "https://vscode.dev/redirect",
    "javascript:alert(1)",
  ]);
  checkRequestedRedirectUri(client, "http://127.0.0.1:33418/");
  assert.throws(() => checkRequestedRedirectUri(client, "javascript:alert(1)"), { code: "invalid_request" });
});

test("grant types that we don't have do not matter: Claude's document lists jwt-bearer", async () => {
  const { clients, documents } = clientTools();
  const grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"];
  documents.set(url, { body: { ...document, grant_types } });
  assert.deepEqual((await clients.find(url)).authentication, { method: "none" });
});

test("http on loopback is for development only: allow_loopback_metadata", async () => {
  const local = "http://127.0.0.1:9000/client.json";
  const off = clientTools();
  await assert.rejects(off.clients.find(local), {
    code: "invalid_client",
    operatorHint: "[clients]\nallow_loopback_metadata = true",
  });
  const on = clientTools({ allowLoopbackMetadata: true });
  on.documents.set(local, { body: { ...document, client_id: local } });
  assert.equal((await on.clients.find(local)).verifiedHost, "127.0.0.1:9000");
  for (
    const elsewhere of ["http://10.0.0.1/client.json", "http://localhost.evil.example/client.json", "ftp://127.0.0.1/c"]
  ) {
    await assert.rejects(on.clients.find(elsewhere), { code: "invalid_client" });
  }
});

test("client_id_metadata_documents = false: nothing is fetched", async () => {
  const { clients, fetched } = clientTools({ clientIdMetadataDocuments: false });
  await assert.rejects(clients.find(url), {
    code: "invalid_client",
    operatorHint: "[clients]\nclient_id_metadata_documents = true",
  });
  assert.deepEqual(fetched, []);
});
