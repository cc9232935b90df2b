// Forwarded and X-Forwarded-*: what counts is what a trusted proxy wrote, whatever stood there before.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createForwardedReader } from "../../lib/http/client_address.ts";
import { headerText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const proxy = "10.0.0.1";
const read = createForwardedReader(["10.0.0.0/8", "fd00::/8"]);
const client = fc.oneof(fc.ipV4(), fc.ipV6().filter((address) => URL.canParse(`http://[${address}]/`)))
  .filter((address) => !/^(10\.|f[cd]|::\d+\.)|:ffff:/i.test(address));
const inner = fc.constantFrom("10.1.2.3", "10.255.0.1", "fd00::7");
const host = fc.constantFrom("mcp.example.com", "MCP.example.com:8443", "[2001:db8::1]:443");
const names = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] as const;

/** As a client writes it: text that looks like the header, pieces of it, quotes that never close. */
const claimed = fc.array(
  fc.oneof(
    headerText,
    client.map((address) => `for=${printNode(address)}`),
    client,
    fc.constantFrom(
      'for="',
      '"',
      '\\"',
      ",",
      ";",
      'for=1.1.1.1;x="',
      "host=evil.example",
      "proto=http",
      "for=unknown",
      "=",
      " ",
    ),
  ),
  { maxLength: 6 },
).map((parts) => parts.join("").replace(/^\s+/, ""));

function printNode(address: string, port = ""): string {
  return address.includes(":") ? `"[${address}]${port}"` : port === "" ? address : `"${address}${port}"`;
}
const normal = (address: string) =>
  address.includes(":") ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
const sameAddress = (found: string, wanted: string) => assert.equal(normal(found), normal(wanted));

property("S2-02: from a peer that is not trusted no header counts", {
  runs: 100,
  of: [client, fc.record({ [names[0]]: claimed, [names[1]]: claimed, [names[2]]: claimed, [names[3]]: claimed })],
}, (peer, headers) => {
  const found = read(new Headers(headers), peer);
  sameAddress(found.address, peer);
  assert.deepEqual([found.host, found.proto], [undefined, undefined]);
});

property(
  "S2-02, RFC 7239 §4: of Forwarded counts what the trusted proxy added at the end, and nothing that stood before",
  {
    runs: 300,
    of: [claimed, client, fc.constantFrom("", ":4711", ":_port"), host, fc.constantFrom("http", "https")],
  },
  (before, peer, port, named, proto) => {
    const added = `for=${printNode(peer, port)};host="${named}";proto=${proto}`;
    const found = read(new Headers({ forwarded: before === "" ? added : `${before}, ${added}` }), proxy);
    sameAddress(found.address, peer);
    assert.deepEqual([found.host, found.proto], [named.toLowerCase(), proto]);
  },
);

property("S2-02: of X-Forwarded-For counts what the trusted proxies added at the end, and nothing that stood before", {
  runs: 200,
  of: [claimed, client, fc.array(inner, { maxLength: 3 })],
}, (before, peer, hops) => {
  const added = [peer, ...hops].join(", ");
  const found = read(new Headers({ "x-forwarded-for": before === "" ? added : `${before}, ${added}` }), proxy);
  sameAddress(found.address, peer);
});

property("S2-02: through several trusted proxies the same client is found, however they write it", {
  runs: 200,
  of: [client, fc.array(inner, { maxLength: 4 }), fc.constantFrom(",", ", ", " , "), fc.boolean(), fc.boolean()],
}, (peer, hops, comma, upper, spaced) => {
  const elements = [peer, ...hops].map((address) => {
    const pairs = [`for=${printNode(address)}`, 'by="_x,y;z"', "proto=https"];
    return (upper ? pairs.map((pair) => pair.replace(/^\w+/, (name) => name.toUpperCase())) : pairs).join(
      spaced ? "; " : ";",
    );
  });
  sameAddress(read(new Headers({ forwarded: elements.join(comma) }), proxy).address, peer);
});

property(
  "S2-02: whatever all four headers say, the answer is an address, a host and a scheme of the right form, and comes in no time",
  {
    runs: 100,
    of: [
      fc.record({ [names[0]]: claimed, [names[1]]: claimed, [names[2]]: claimed, [names[3]]: claimed }),
      fc.nat(60_000),
    ],
  },
  (headers, length) => {
    const longer = Object.entries(headers).map(([name, value]) =>
      [name, value.repeat(Math.ceil(length / (value.length + 1))).slice(0, 60_000)] as [string, string]
    );
    const started = performance.now();
    const found = read(new Headers(longer), proxy);
    assert.ok(performance.now() - started < 3_000, `${performance.now() - started} ms`);
    assert.match(found.address, /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]+)$/);
    assert.match(found.host ?? "", /^([a-z0-9.-]*|\[[0-9a-f:.]+\])(:\d+)?$/);
    assert.match(found.proto ?? "", /^(https?)?$/);
  },
);
