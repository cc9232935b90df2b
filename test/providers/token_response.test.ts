import assert from "node:assert/strict";
import { test } from "node:test";
import { type RawAnswer, readTokenResponse } from "../../lib/providers/token_response.ts";

const now = 1_800_000_000;

function answer(body: string, { status = 200, type = "application/json", headers = {} } = {}): RawAnswer {
  return { status, headers: new Headers({ "content-type": type, ...headers }), body };
}

const read = (raw: RawAnswer) => readTokenResponse(raw, now);

test("the example of RFC 6749 §5.1 is read", () => {
  const body = JSON.stringify({
    access_token: "2YotnFZFEjr1zCsicMWpAA",
    token_type: "example",
    expires_in: 3600,
    refresh_token: "tGzv3JOkF0XG5Qx2TlKWIA",
    example_parameter: "example_value",
  });
  assert.deepEqual(read(answer(body)), {
    kind: "tokens",
    tokens: { accessToken: "2YotnFZFEjr1zCsicMWpAA", refreshToken: "tGzv3JOkF0XG5Qx2TlKWIA", lifetimeSeconds: 3600 },
  });
});

for (
  const [written, lifetimeSeconds] of [
    ["3600", 3600],
    [`"3600"`, 3600],
    [`" 28800 "`, 28_800],
    ["3599.7", 3599],
    ["0", undefined],
    ["-1", undefined],
    [`"soon"`, undefined],
    ["null", undefined],
    ["1e300", 315_360_000],
  ] as const
) {
  test(`S1-27: expires_in ${written} means ${lifetimeSeconds ?? "not said"}`, () => {
    const read = readTokenResponse(answer(`{"access_token":"at","expires_in":${written}}`), now);
    assert.ok(read.kind === "tokens");
    assert.equal(read.tokens.lifetimeSeconds, lifetimeSeconds);
  });
}

for (const type of ["application/x-www-form-urlencoded; charset=utf-8", "text/plain", ""]) {
  test(`S1-27: a form-encoded answer of type "${type}" is understood`, () => {
    const body =
      "access_token=gho_16C7e42F292c6912E7710c838347Ae178B4a&scope=repo%2Cgist&token_type=bearer&expires_in=28800";
    assert.deepEqual(read(answer(body, { type })), {
      kind: "tokens",
      tokens: {
        accessToken: "gho_16C7e42F292c6912E7710c838347Ae178B4a",
        lifetimeSeconds: 28_800,
        scope: "repo,gist",
      },
    });
  });
}

test("S1-27: a 200 that holds `error` is a refusal, in JSON and as a form (GitHub)", () => {
  const json =
    `{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired.","error_uri":"https://docs.github.com"}`;
  const refused = {
    kind: "refused",
    error: "bad_verification_code",
    description: "The code passed is incorrect or expired.",
  };
  assert.deepEqual(read(answer(json)), refused);
  const form = new URLSearchParams({ error: refused.error, error_description: refused.description }).toString();
  assert.deepEqual(read(answer(form, { type: "application/x-www-form-urlencoded" })), refused);
});

test("a refusal by the book: 400 and invalid_grant (RFC 6749 §5.2)", () => {
  assert.deepEqual(read(answer(`{"error":"invalid_grant"}`, { status: 400 })), {
    kind: "refused",
    error: "invalid_grant",
  });
});

test("an error that is no error code is replaced, because it is logged", () => {
  const codes = [`"<b>token gho_secret</b>"`, "7", `{"code":1}`, `"${"x".repeat(65)}"`];
  for (const code of codes) {
    assert.deepEqual(read(answer(`{"error":${code}}`, { status: 400 })), {
      kind: "refused",
      error: "unreadable_error",
    });
  }
});

for (const status of [429, 500, 502, 503, 504]) {
  test(`S1-41: ${status} is "not now", whatever its body says`, () => {
    const read = readTokenResponse(answer(`{"error":"invalid_grant"}`, { status }), now);
    assert.deepEqual(read, { kind: "unavailable", reason: `answered ${status}` });
  });
}

test("S1-41: temporarily_unavailable as an error code is not a refusal", () => {
  const read = readTokenResponse(answer(`{"error":"temporarily_unavailable"}`, { status: 400 }), now);
  assert.equal(read.kind, "unavailable");
});

for (
  const [header, seconds] of [
    ["7", 7],
    ["0", 1],
    ["999999", 3600],
    [new Date((now + 30) * 1000).toUTCString(), 30],
    [new Date((now - 30) * 1000).toUTCString(), 1],
    ["tomorrow", undefined],
  ] as const
) {
  test(`Retry-After "${header}" means ${seconds ?? "not said"}`, () => {
    const read = readTokenResponse(answer("", { status: 503, headers: { "retry-after": header } }), now);
    assert.ok(read.kind === "unavailable");
    assert.equal(read.retryAfterSeconds, seconds);
  });
}

for (
  const [what, raw] of [
    ["a page of HTML", answer("<!doctype html><title>Sign in</title>", { type: "text/html" })],
    ["HTML that says it is JSON", answer("<html>access_token=x</html>")],
    ["an empty body", answer("")],
    ["JSON that is cut off", answer(`{"access_token":"a`)],
    ["a list", answer("[]")],
    ["no access_token", answer(`{"token_type":"bearer"}`)],
    ["an access_token that is no text", answer(`{"access_token":5}`)],
    ["an access_token that would end a header", answer(`{"access_token":"a\\r\\nX-Evil: 1"}`)],
    ["an access_token that no header takes", answer(JSON.stringify({ access_token: "a".repeat(16_385) }))],
    [
      "a refresh_token that no header takes",
      answer(JSON.stringify({ access_token: "a", refresh_token: "r".repeat(16_385) })),
    ],
    ["a scope without an end", answer(JSON.stringify({ access_token: "a", scope: "s ".repeat(8_193) }))],
    ["a DPoP-bound token", answer(`{"access_token":"a","token_type":"DPoP"}`)],
    ["a redirect", answer(`{"access_token":"a"}`, { status: 302 })],
    ["a 400 without an error code", answer(`{"message":"nope"}`, { status: 400 })],
  ] as const
) {
  test(`S1-27: ${what} is an unreadable answer`, () => assert.equal(read(raw).kind, "unreadable"));
}

test("tokens of 16 KB are taken", () => {
  const body = { access_token: "a".repeat(16_384), refresh_token: "r".repeat(16_384) };
  assert.equal(read(answer(JSON.stringify(body))).kind, "tokens");
});
