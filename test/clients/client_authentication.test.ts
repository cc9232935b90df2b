import assert from "node:assert/strict";
import { test } from "node:test";
import { authenticateClient } from "../../lib/clients/client_authentication.ts";
import { secret } from "../../lib/config/secrets.ts";
import type { Parameters } from "../../lib/oauth/parameters.ts";
import { clientTools } from "../support/client_tools.ts";

const audiences = ["https://mcp.example/token"];
const oddSecret = "p+ä%ss:w%20rd&=";

function setUp() {
  const client = (clientId: string, clientSecret?: string) => ({
    clientId,
    name: clientId,
    redirectUris: ["https://agent.example/cb"],
    clientSecret: clientSecret === undefined ? undefined : secret(clientSecret),
    trusted: false,
  });
  const tools = clientTools({
    preRegistered: [client("public"), client("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"), client("o:d d", oddSecret)],
  });
  return (authorization: string | null, parameters: Parameters = {}) =>
    authenticateClient(tools, { authorization, parameters, audiences });
}

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;
const form = (text: string) => new URLSearchParams([["", text]]).toString().slice(1);

test("a public client comes with its client_id alone", async () => {
  const authenticate = setUp();
  assert.equal((await authenticate(null, { client_id: "public" })).clientId, "public");
  assert.equal((await authenticate(basic("public:"))).clientId, "public");
});

test("the examples of RFC 6749 §2.3.1 authenticate", async () => {
  const authenticate = setUp();
  assert.equal((await authenticate("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3")).clientId, "s6BhdRkqt3");
  const parameters = { client_id: "s6BhdRkqt3", client_secret: "7Fjfp0ZBr1KtDRbnfVdmIw" };
  assert.equal((await authenticate(null, parameters)).clientId, "s6BhdRkqt3");
});

test("Basic counts in any case of the scheme, form-encoded or as it stands, with the same client_id in the body", async () => {
  const authenticate = setUp();
  for (
    const authorization of [
      basic(`${form("o:d d")}:${form(oddSecret)}`),
      basic(`${encodeURIComponent("o:d d")}:${encodeURIComponent(oddSecret)}`),
      basic(`${form("o:d d")}:${oddSecret}`),
      basic(`${form("o:d d")}:${form(oddSecret)}`).replace("Basic", "bASIC"),
    ]
  ) {
    assert.equal((await authenticate(authorization, { client_id: "o:d d" })).clientId, "o:d d", authorization);
  }
});

for (
  const [what, authorization, parameters, code] of [
    ["nothing at all", null, {}, "invalid_request"],
    ["Bearer", "Bearer abc", { client_id: "public" }, "invalid_request"],
    ["Basic without a value", "Basic", { client_id: "public" }, "invalid_client"],
    ["Basic that is no base64", "Basic ???", {}, "invalid_client"],
    ["Basic without a colon", basic("s6BhdRkqt3"), {}, "invalid_client"],
    ["Basic without a client_id", basic(":7Fjfp0ZBr1KtDRbnfVdmIw"), {}, "invalid_client"],
    ["Basic and client_secret", basic("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"), {
      client_id: "s6BhdRkqt3",
      client_secret: "7Fjfp0ZBr1KtDRbnfVdmIw",
    }, "invalid_request"],
    [
      "Basic and client_assertion",
      basic("public:"),
      { client_assertion: "x", client_assertion_type: "y" },
      "invalid_request",
    ],
    ["client_secret and client_assertion", null, {
      client_id: "s6BhdRkqt3",
      client_secret: "7Fjfp0ZBr1KtDRbnfVdmIw",
      client_assertion: "x",
    }, "invalid_request"],
    ["client_assertion without a type", null, { client_id: "public", client_assertion: "x" }, "invalid_request"],
    ["a type without client_assertion", null, {
      client_id: "public",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }, "invalid_request"],
    ["a SAML assertion", null, {
      client_id: "public",
      client_assertion: "x",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
    }, "invalid_request"],
    [
      "Basic for another client_id than the body's",
      basic("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"),
      { client_id: "public" },
      "invalid_request",
    ],
    ["a wrong secret", null, { client_id: "s6BhdRkqt3", client_secret: "7Fjfp0ZBr1KtDRbnfVdmIx" }, "invalid_client"],
    ["a part of the secret", null, { client_id: "s6BhdRkqt3", client_secret: "7" }, "invalid_client"],
    ["a wrong secret by Basic", basic("s6BhdRkqt3:x"), {}, "invalid_client"],
    ["no secret though it has one", null, { client_id: "s6BhdRkqt3" }, "invalid_client"],
    ["an empty secret though it has one", basic("s6BhdRkqt3:"), {}, "invalid_client"],
    ["a secret though it has none", null, { client_id: "public", client_secret: "x" }, "invalid_client"],
    ["an assertion though it has no keys", null, {
      client_id: "public",
      client_assertion: "x",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }, "invalid_client"],
    ["an unknown client_id", null, { client_id: "nobody" }, "invalid_client"],
  ] as [string, string | null, Parameters, string][]
) {
  test(`a client is refused that comes with ${what}: ${code} (RFC 6749 §2.3, §5.2)`, async () => {
    await assert.rejects(setUp()(authorization, parameters), { code, status: code === "invalid_client" ? 401 : 400 });
  });
}

test("no refusal repeats the secret that was sent or the one that was expected", async () => {
  const parameters = { client_id: "s6BhdRkqt3", client_secret: "guess-me" };
  await assert.rejects(
    setUp()(null, parameters),
    (error: Error) => !/guess-me|7Fjfp/.test(error.message + error.stack),
  );
});
