// Server-side request forgery through the whole app: the URLs that a client may name (its metadata document, its keys) lead to
// nothing that the internet does not, and no answer tells what is there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createSafeFetch } from "../../lib/http/safe_fetch.ts";
import { appInProcess } from "../support/app_in_process.ts";
import { linearTable, serverTable } from "../support/config_text.ts";
import { type RawServer, startRawServer } from "../support/raw_server.ts";

/** What a name under attacker.example stands for: each of these must end before a connection. */
const addresses: Record<string, string[]> = {
  "loopback": ["127.0.0.1"],
  "mixed": ["203.0.113.9", "127.0.0.1"],
  "mixed-public": ["1.1.1.1", "127.0.0.1"],
  "mapped": ["::ffff:127.0.0.1"],
  "metadata": ["169.254.169.254"],
  "metadata-ipv6": ["fd00:ec2::254"],
  "nat64": ["64:ff9b::7f00:1"],
  "teredo": ["2001:0:7f00:1::1"],
  "sixtofour": ["2002:7f00:1::1"],
  "private": ["10.0.0.1"],
  "shared": ["100.64.0.1"],
  "zone": ["fe80::1%lo"],
  "unspecified": ["0.0.0.0", "::"],
};

let inside: RawServer;
const looked: string[] = [];
/** The second answer to the same question is another one (DNS rebinding); nobody may ask it. */
const resolve = (host: string): Promise<string[]> => {
  const isFirst = !looked.includes(host);
  looked.push(host);
  const name = host.split(".")[0]!;
  return Promise.resolve(name === "rebinding" ? (isFirst ? ["192.0.2.1"] : ["127.0.0.1"]) : addresses[name] ?? []);
};
const { send, events } = appInProcess(
  `${serverTable}${linearTable}[clients]\nredirects = ["https"]\n[rate_limit]\nper_address = 0\nper_client = 0\n`,
  { safeFetch: createSafeFetch({ resolve }) },
);
before(async () => {
  inside = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
});
after(() => inside.stop());

const authorize = (clientId: string) =>
  send(`/authorize/mcp/linear?${new URLSearchParams({ client_id: clientId, redirect_uri: "https://x.example/cb" })}`);

/** Nobody learns what a name stands for: what is refused answers as what does not exist. */
function withoutName(page: string, host: string): string {
  return page.replaceAll(host, "NAME").replace(/Request <code>[^<]*/, "");
}

let unknown: string;
test("a client_id on a name that does not exist is a page that says so, to be compared with", async () => {
  const host = "nowhere.attacker.example";
  const answer = await authorize(`https://${host}:${inside.port}/id.json`);
  assert.equal(answer.status, 503);
  unknown = withoutName(await answer.text(), host);
});

for (const name of [...Object.keys(addresses), "rebinding"]) {
  test(`SSRF: a client_id on a name that is ${name} is not fetched, and answers as one that does not exist`, async () => {
    const host = `${name}.attacker.example`;
    const answer = await authorize(`https://${host}:${inside.port}/id.json`);
    assert.equal(answer.status, 503);
    assert.equal(withoutName(await answer.text(), host), unknown);
    assert.equal(looked.filter((each) => each === host).length, 1);
    assert.equal(inside.connections(), 0);
    assert.ok(
      events.some(({ event, fields }) => event === "client_document_refused" && String(fields.url).includes(host)),
    );
  });

  test(`SSRF: keys (jwks_uri) on a name that is ${name} are not fetched at the token endpoint either`, async () => {
    const host = `${name}.keys.attacker.example`;
    const registered = await send("/register/mcp/linear", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        redirect_uris: ["https://x.example/cb"],
        token_endpoint_auth_method: "private_key_jwt",
        jwks_uri: `https://${host}:${inside.port}/jwks.json`,
      }),
    });
    const { client_id } = await registered.json();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = {
      iss: client_id,
      sub: client_id,
      aud: "https://mcp.example.com/token/mcp/linear",
      jti: name,
      exp: 1_900_000_060,
    };
    const answer = await send("/token/mcp/linear", {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: "x",
        code_verifier: "v".repeat(43),
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: `${part({ alg: "ES256", kid: "1" })}.${part(claims)}.${"A".repeat(86)}`,
      }),
    });
    assert.equal(answer.status, 503);
    assert.match(
      await answer.text(),
      /^\{"error":"temporarily_unavailable","error_description":"the \w+( \w+)* at https/,
    );
    assert.equal(looked.filter((each) => each === host).length, 1);
    assert.equal(inside.connections(), 0);
  });
}

test("SSRF: addresses in every spelling, as client_id, are refused without a lookup or a connection", async () => {
  const { length } = looked;
  for (
    const host of [
      ...[
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
      ],
      ...[
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
      ],
      ...[
        "localhost",
        "localhost.",
        "a.localhost",
        "metadata.google.internal",
        "kubernetes",
        "printer.local",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
      ],
    ]
  ) {
    const answer = await authorize(`https://${host}:${inside.port}/id.json`);
    assert.equal(answer.status, 400, host);
  }
  assert.equal(looked.length, length);
  assert.equal(inside.connections(), 0);
});
