import assert from "node:assert/strict";
import { test } from "node:test";
import { createForwardedReader, type ForwardedRequest, networkOf } from "../../lib/http/client_address.ts";

const proxy = "10.0.0.1";
const outer = "10.0.0.2";
const client = "203.0.113.7";

interface Case {
  name: string;
  headers: Record<string, string>;
  expected: ForwardedRequest;
  remote?: string;
  trusted?: string[];
}

const cases: Case[] = [
  { name: "without headers the peer is the client", headers: {}, expected: { address: proxy } },
  {
    name: "S2-02: headers of a peer that is not trusted are ignored",
    remote: client,
    headers: {
      "x-forwarded-for": "1.2.3.4",
      "forwarded": "for=1.2.3.4;host=evil.example;proto=https",
      "x-forwarded-host": "evil.example",
    },
    expected: { address: client },
  },
  {
    name: "nothing is trusted when no proxy is configured, not even loopback",
    remote: "127.0.0.1",
    trusted: [],
    headers: { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" },
    expected: { address: "127.0.0.1" },
  },
  { name: "one trusted proxy names the client", headers: { "x-forwarded-for": client }, expected: { address: client } },
  {
    name: "what the client wrote itself, left of its address, does not count",
    headers: { "x-forwarded-for": `1.2.3.4, 10.0.0.9, ${client}` },
    expected: { address: client },
  },
  {
    name: "trusted proxies on the right are stepped over",
    headers: { "x-forwarded-for": `1.2.3.4, ${client}, ${outer}` },
    expected: { address: client },
  },
  {
    name: "when all are trusted the leftmost is the client",
    headers: { "x-forwarded-for": `10.0.0.5, ${outer}` },
    expected: { address: "10.0.0.5" },
  },
  {
    name: "an entry that is no address ends the chain at the proxy that wrote it",
    headers: { "x-forwarded-for": `1.2.3.4, garbage, ${outer}` },
    expected: { address: outer },
  },
  { name: "an empty header is nobody", headers: { "x-forwarded-for": "" }, expected: { address: proxy } },
  {
    name: "addresses with ports lose them",
    headers: { "x-forwarded-for": `${client}:4711` },
    expected: { address: client },
  },
  {
    name: "so do bracketed ones",
    headers: { "x-forwarded-for": "[2001:DB8:0::1]:4711" },
    expected: { address: "2001:db8::1" },
  },
  {
    name: "IPv4 written as IPv6 is IPv4, in the header and at the socket",
    remote: "::ffff:10.0.0.1",
    headers: { "x-forwarded-for": "::ffff:203.0.113.7" },
    expected: { address: client },
  },
  {
    name: "octal, short and decimal spellings are no addresses",
    headers: { "x-forwarded-for": "0313.0.0161.7" },
    expected: { address: proxy },
  },
  { name: "a zone is left out", remote: "fe80::1%eth0", trusted: [], headers: {}, expected: { address: "fe80::1" } },
  {
    name: "X-Forwarded-Host and -Proto of a trusted proxy count",
    headers: { "x-forwarded-for": client, "x-forwarded-host": "Wiki.example.com:8443", "x-forwarded-proto": "HTTPS" },
    expected: { address: client, host: "wiki.example.com:8443", proto: "https" },
  },
  {
    name: "also without an address",
    headers: { "x-forwarded-host": "wiki.example.com", "x-forwarded-proto": "https" },
    expected: { address: proxy, host: "wiki.example.com", proto: "https" },
  },
  {
    name: "with one value for each hop, the one of the client's hop counts",
    headers: {
      "x-forwarded-for": `1.2.3.4, ${client}, ${outer}`,
      "x-forwarded-proto": "http, https, http",
      "x-forwarded-host": "evil.example, wiki.example.com, inner",
    },
    expected: { address: client, host: "wiki.example.com", proto: "https" },
  },
  {
    name: "with another number of values the nearest proxy's counts",
    headers: { "x-forwarded-for": client, "x-forwarded-host": "evil.example, wiki.example.com" },
    expected: { address: client, host: "wiki.example.com" },
  },
  {
    name: "hosts and schemes that are none are left out",
    headers: { "x-forwarded-for": client, "x-forwarded-host": "evil.example/path?", "x-forwarded-proto": "javascript" },
    expected: { address: client },
  },
  {
    name: "RFC 7239 §4: the examples of Forwarded",
    headers: { forwarded: 'For="[2001:db8:cafe::17]:4711";proto=http;by=203.0.113.43' },
    expected: { address: "2001:db8:cafe::17", proto: "http" },
  },
  {
    name: "RFC 7239: several elements, from the right",
    headers: {
      forwarded: `for=1.2.3.4, for=${client};proto=https;host="wiki.example.com", for=${outer};proto=http;host=inner`,
    },
    expected: { address: client, host: "wiki.example.com", proto: "https" },
  },
  {
    name: "RFC 7239 §6.2: unknown ends the chain at the proxy that wrote it",
    headers: { forwarded: `for=1.2.3.4, for=unknown, for=${outer}` },
    expected: { address: outer },
  },
  {
    name: "RFC 7239 §6.3: so do obfuscated names",
    headers: { forwarded: 'for="_hidden:_port"' },
    expected: { address: proxy },
  },
  {
    name: "commas and semicolons in quotes are text",
    headers: { forwarded: `for="1.2.3.4, for=9.9.9.9";x="a\\";b", for="${client}"` },
    expected: { address: client },
  },
  { name: "an unclosed quote names nobody", headers: { forwarded: 'for="1.2.3.4' }, expected: { address: proxy } },
  {
    name: "a quote that the client opened does not close in what the proxy added",
    headers: { forwarded: `for=1.2.3.4;x=", for="[2001:db8::1]:80";host="wiki.example.com";proto=https` },
    expected: { address: "2001:db8::1", host: "wiki.example.com", proto: "https" },
  },
  {
    name: "both kinds of header that agree",
    headers: {
      "forwarded": `for=${client};proto=https;host=wiki.example.com`,
      "x-forwarded-for": client,
      "x-forwarded-proto": "https",
      "x-forwarded-host": "wiki.example.com",
    },
    expected: { address: client, host: "wiki.example.com", proto: "https" },
  },
  {
    name: "a client that names its own address can't add a host in the kind that the proxy doesn't write",
    headers: { "forwarded": `for=${client};host=evil.example;proto=https`, "x-forwarded-for": client },
    expected: { address: client },
  },
  {
    name: "hosts and schemes that differ between the kinds count for nothing",
    headers: {
      "forwarded": `for=${client};host=evil.example;proto=http`,
      "x-forwarded-for": client,
      "x-forwarded-host": "wiki.example.com",
      "x-forwarded-proto": "https",
    },
    expected: { address: client },
  },
  {
    name: "a Forwarded that the client smuggled through a proxy which writes X-Forwarded-For counts for nothing",
    headers: { "forwarded": "for=1.2.3.4;host=evil.example", "x-forwarded-for": client },
    expected: { address: proxy },
  },
];

for (const { name, headers, expected, remote = proxy, trusted = ["10.0.0.0/8", "fd00::/8"] } of cases) {
  test(`client address: ${name}`, () => {
    assert.deepEqual(createForwardedReader(trusted)(new Headers(headers), remote), expected);
  });
}

test("trusted proxies may be single addresses and IPv6 networks; a network of one family has nothing of the other", () => {
  const read = createForwardedReader(["192.0.2.1", "fd00::/8", "::1"]);
  const headers = new Headers({ "x-forwarded-for": client });
  for (const remote of ["192.0.2.1", "fd00::2", "::1", "::ffff:192.0.2.1"]) {
    assert.equal(read(headers, remote).address, client, remote);
  }
  for (const remote of ["192.0.2.2", "fe80::2", "::2", "10.0.0.1"]) assert.equal(read(headers, remote).address, remote);
});

test("limits count IPv4 by address and IPv6 by /64", () => {
  assert.equal(networkOf(client), client);
  assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(networkOf("2001:db8:1:2::"), networkOf("2001:db8:1:2:ffff::1"));
  assert.notEqual(networkOf("2001:db8:1:3::1"), networkOf("2001:db8:1:2::1"));
  assert.equal(networkOf("somewhere"), "somewhere");
});

test("a Forwarded header of 60 000 quotes that never close is read in no time, and what the proxy added still counts", () => {
  const read = createForwardedReader(["10.0.0.0/8"]);
  const unclosed = `"${'\\"'.repeat(30_000)}`;
  const started = performance.now();
  for (const evil of [unclosed, `${unclosed}\\`, `${unclosed},for=${client}`]) {
    const { address } = read(new Headers({ forwarded: evil }), proxy);
    assert.equal(address, evil.endsWith(client) ? client : proxy);
  }
  assert.ok(performance.now() - started < 3_000, `${performance.now() - started} ms`);
});
