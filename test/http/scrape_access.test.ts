import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { createScrapeAccess } from "../../lib/http/scrape_access.ts";
import { linearTable, serverTable } from "../support/config_text.ts";

function mayScrape(
  { from, host = "127.0.0.1:8080", headers = {}, server = "" }: {
    from: string;
    host?: string;
    headers?: Record<string, string>;
    server?: string;
  },
): boolean {
  const config = parseConfig(`${serverTable}${server}\n${linearTable}`, {}, () => {
    throw new Error("no files here");
  });
  return createScrapeAccess(config)(new Request(`http://${host}/metrics`, { headers }), from);
}

const trusted = 'trusted_proxies = ["10.1.0.0/16"]';

test("S2-04: programs on this machine and in the trusted networks may read /metrics, others may not", () => {
  assert.equal(mayScrape({ from: "127.0.0.1" }), true);
  assert.equal(mayScrape({ from: "::1", host: "[::1]:8080" }), true);
  assert.equal(mayScrape({ from: "::ffff:127.0.0.1" }), true);
  assert.equal(mayScrape({ from: "10.1.2.3", host: "10.1.9.9:8080", server: trusted }), true);
  assert.equal(mayScrape({ from: "10.1.2.3" }), false);
  assert.equal(mayScrape({ from: "10.2.2.3", server: trusted }), false);
  assert.equal(mayScrape({ from: "203.0.113.9" }), false);
  assert.equal(mayScrape({ from: "" }), false);
});

test("S2-04: a reverse proxy or tunnel beside us asks for somebody else, who may not", () => {
  for (
    const [name, value] of [
      ["x-forwarded-for", "203.0.113.9"],
      ["x-forwarded-for", "127.0.0.1"], // claimed by the client
      ["forwarded", "for=203.0.113.9"],
      ["x-real-ip", "203.0.113.9"],
      ["cf-connecting-ip", "203.0.113.9"],
      ["via", "1.1 edge"],
    ] as const
  ) {
    assert.equal(mayScrape({ from: "127.0.0.1", headers: { [name]: value } }), false, name);
    assert.equal(mayScrape({ from: "10.1.2.3", server: trusted, headers: { [name]: value } }), false, name);
  }
});

test("S2-04: nor one that says nothing about its client but passes the public host on", () => {
  assert.equal(mayScrape({ from: "127.0.0.1", host: "mcp.example.com" }), false);
  assert.equal(mayScrape({ from: "127.0.0.1", host: "MCP.example.com:8080" }), false);
});
