// Known open-redirect and URL-confusion payloads against the whole app: as a redirect URI of a good client, as one that a
// stranger registers where any https host may, as a client_id, and as a resource.
import assert from "node:assert/strict";
import { test } from "node:test";
import { appInProcess } from "../support/app_in_process.ts";
import { confusing, plain } from "../support/confusing_urls.ts";
import { linearTable, serverTable } from "../support/config_text.ts";
import { fakeDocuments } from "../support/fake_documents.ts";

const good = ["https://client.example/cb", "http://127.0.0.1:33418/callback", "http://localhost/callback"];
const limits = "[rate_limit]\nper_address = 0\nper_client = 0\n";
const web = fakeDocuments();
const strict = appInProcess(
  `${serverTable}${linearTable}[client.agent]\nredirect_uris = ${JSON.stringify(good)}\ntrusted = true\n${limits}`,
  { safeFetch: web.safeFetch },
);
const anyHttps = appInProcess(`${serverTable}${linearTable}[clients]\nredirects = ["https", "loopback"]\n${limits}`);

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const authorize = (parameters: Record<string, string>) =>
  `/authorize/mcp/linear?${new URLSearchParams({
    response_type: "code",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...parameters,
  })}`;

for (const [what, uris] of [...Object.entries(confusing), ["other spellings and other places", plain] as const]) {
  test(`S1-08: a link of a good client with ${uris.length} redirect URIs (${what}) is a page each time, and nobody is sent anywhere`, async () => {
    for (const uri of uris) {
      const answer = await strict.send(authorize({ client_id: "agent", redirect_uri: uri }));
      assert.deepEqual([answer.status, answer.headers.get("location")], [400, null], JSON.stringify(uri));
      const html = await answer.text();
      assert.doesNotMatch(html, /http-equiv|<form|href="(?!\/)/i, uri);
    }
  });
}

const register = (uri: string) =>
  anyHttps.send("/register/mcp/linear", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [uri] }),
  });

for (const [what, uris] of Object.entries(confusing)) {
  test(`RFC 7591 §3.2.2: nobody registers a redirect URI of those (${what}), also where any https host may`, async () => {
    for (const uri of uris) {
      const answer = await register(uri);
      const { error } = await answer.json();
      assert.deepEqual([answer.status, error], [400, "invalid_redirect_uri"], JSON.stringify(uri));
    }
  });
}

test("what may be registered has one host, to browsers and to RFC 3986, and the page names that one", async () => {
  for (const uri of [...plain, ...good]) {
    const answer = await register(uri);
    assert.equal(answer.status, 201, uri);
    const { client_id } = await answer.json();
    const { host } = new URL(uri);
    assert.equal(/^https?:\/\/([^/?#]*)/i.exec(uri)![1]!.toLowerCase().replace(/:(443|80)$/, ""), host, uri);
    const page = await anyHttps.send(authorize({ client_id, redirect_uri: uri }));
    assert.equal(page.status, 200, uri);
    assert.ok((await page.text()).includes(host), uri);
  }
});

test("the client's own spelling is the one that the browser is sent to, with nothing mended", async () => {
  for (const uri of good) {
    const answer = await strict.send(authorize({ client_id: "agent", redirect_uri: uri, response_mode: "fragment" }));
    assert.equal(answer.status, 303);
    assert.ok(answer.headers.get("location")!.startsWith(`${uri}?error=invalid_request&`));
  }
});

test("a client_id that is a confusing URL is fetched nowhere", async () => {
  for (const uri of Object.values(confusing).flat()) {
    const { length } = web.fetched;
    const answer = await strict.send(authorize({ client_id: uri, redirect_uri: good[0]! }));
    assert.deepEqual([answer.status, answer.headers.get("location"), web.fetched.length], [400, null, length], uri);
  }
});

test("S1-13: a resource in a confusing spelling is another one: invalid_target", async () => {
  const ours = "https://mcp.example.com/mcp/linear";
  const spellings = [
    ...[
      `${ours}#`,
      `${ours}?`,
      ` ${ours}`,
      ours.replace("//", "///"),
      ours.replace("//", "/\\"),
      ours.replaceAll("/", "\\"),
    ],
    ...[
      ours.replace("/mcp/", "/mcp/./"),
      ours.replace("/mcp/", "/x/../mcp/"),
      ours.replace("/mcp/", "/%2e/mcp/"),
      ours.replace("/mcp/", "/mcp//"),
    ],
    ...[
      ours.replace("https://", "https://user@"),
      ours.replace("https://", "https://@"),
      ours.replace("mcp.example", "mcp\t.example"),
      ours.replace(".com", "。com"),
    ],
    ...[
      ours.replace(".com", ".com:80"),
      ours.replace("https", "http"),
      ours.replace("linear", "LINEAR"),
      ours.replace("linear", "%6cinear"),
      `${ours}//`,
    ],
  ];
  for (const resource of spellings) {
    const answer = await strict.send(authorize({ client_id: "agent", redirect_uri: good[0]!, resource }));
    assert.equal(new URL(answer.headers.get("location")!).searchParams.get("error"), "invalid_target", resource);
  }
});
