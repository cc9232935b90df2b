import assert from "node:assert/strict";
import { test } from "node:test";
import { siteOf } from "../../lib/clients/fetch_slots.ts";

for (
  const [url, site] of [
    ["https://claude.ai/oauth/client.json", "claude.ai"],
    ["https://a.b.c.evil.example/", "evil.example"],
    ["https://localhost:8080/", "localhost"],
    ["https://one.co.uk/", "one.co.uk"],
    ["https://a.two.com.au/", "two.com.au"],
    ["https://co.example/", "co.example"],
    ["https://192.0.2.7:8443/", "192.0.2.7"],
    ["https://[2001:db8::7]/", "[2001:db8::7]"],
  ] as const
) {
  test(`strangers' documents: ${url} belongs to ${site}`, () => assert.equal(siteOf(url), site));
}
