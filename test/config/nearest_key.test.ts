import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestKey } from "../../lib/config/nearest_key.ts";

const known = ["host", "port", "public_url", "downstream_url", "oauth_client_id", "auth_header_format"];

for (
  const [word, expected] of [
    ["prot", "port"], // neighbours swapped
    ["hosts", "host"],
    ["publicUrl", "public_url"],
    ["public-url", "public_url"],
    ["downstream_ur", "downstream_url"],
    ["client_id", "oauth_client_id"], // the end of a key
    ["auth_header", "auth_header_format"],
    ["zzzz", undefined],
    ["", undefined],
  ] as const
) {
  test(`${JSON.stringify(word)} was meant to be ${expected ?? "nothing that is known"}`, () => {
    assert.equal(nearestKey(word, known), expected);
  });
}
