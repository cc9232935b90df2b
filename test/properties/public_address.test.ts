// Which addresses are public, against IANA's special-purpose registries written down as numbers (RFC 6890, RFC 9637).
import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import { isPublicAddress } from "../../lib/http/public_address.ts";
import { property } from "../support/property.ts";

const special4 = new BlockList();
for (
  const [network, bits] of [
    ...[["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16]] as const,
    ...[["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.31.196.0", 24], ["192.52.193.0", 24]] as const,
    ...[["192.88.99.0", 24], ["192.168.0.0", 16], ["192.175.48.0", 24], ["198.18.0.0", 15]] as const,
    ...[["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4], ["168.63.129.16", 32]] as const,
  ]
) special4.addSubnet(network, bits, "ipv4");

/** Besides these, all that is not in 2000::/3. */
const special6 = new BlockList();
for (
  const [network, bits] of [
    ...[["2001::", 23], ["2001:db8::", 32], ["2002::", 16], ["3fff::", 20], ["2620:4f:8000::", 48]] as const,
    ...[["::", 3], ["4000::", 2], ["8000::", 1]] as const,
  ]
) special6.addSubnet(network, bits, "ipv6");

/** Near the edge of a special network as often as anywhere. */
const edges4 = [
  "0.0.0.0",
  "10.0.0.0",
  "100.64.0.0",
  "127.0.0.0",
  "169.254.0.0",
  "172.16.0.0",
  "172.32.0.0",
  "192.0.0.0",
  "192.168.0.0",
  "198.18.0.0",
  "198.20.0.0",
  "224.0.0.0",
  "168.63.129.16",
  "192.88.99.0",
  "203.0.113.0",
];
const numberOf = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const ipv4 = fc.oneof(
  fc.nat(0xFFFFFFFF),
  fc.tuple(fc.constantFrom(...edges4), fc.integer({ min: -300, max: 300 })).map(([edge, by]) =>
    (numberOf(edge) + by) >>> 0
  ),
)
  .map((number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join("."));
const group = fc.nat(0xFFFF);
const prefix = fc.constantFrom(
  "::",
  "2000::",
  "2001::",
  "2001:1::",
  "2001:1ff::",
  "2001:200::",
  "2001:db8::",
  "2001:30::",
  "2002::",
  "2003::",
  "3ffe::",
  "3fff::",
  "3fff:1000::",
  "2620:4f:8000::",
  "2620:4f:8001::",
  "64:ff9b::",
  "64:ff9b:1::",
  "100::",
  "5f00::",
  "fc00::",
  "fe80::",
  "fec0::",
  "ff02::",
  "4000::",
  "2606:4700::",
);
const ipv6 = fc.oneof(
  fc.tuple(prefix, group, group).map(([prefix, high, low]) => `${prefix}${high.toString(16)}:${low.toString(16)}`),
  fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.map((each) => each.toString(16)).join(":")),
);

property(
  "SSRF: an IPv4 address is public exactly where no special-purpose network holds it",
  { runs: 300, of: [ipv4] },
  (address) => {
    assert.equal(isPublicAddress(address), !special4.check(address, "ipv4"), address);
  },
);

property("SSRF: an IPv6 address is public exactly in 2000::/3 outside its special-purpose networks", {
  runs: 300,
  of: [ipv6],
}, (address) => {
  assert.equal(isPublicAddress(address), !special6.check(address, "ipv6"), address);
});

property("SSRF: no form of IPv6 that carries an IPv4 address is public, whatever it carries", {
  runs: 200,
  of: [ipv4, group],
}, (address, port) => {
  const [a, b, c, d] = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0")) as [
    string,
    string,
    string,
    string,
  ];
  for (
    const carrier of [
      ...[
        `::ffff:${address}`,
        `::${address}`,
        `::ffff:0:${address}`,
        `64:ff9b::${address}`,
        `64:ff9b:1::${a}${b}:${c}${d}`,
      ],
      ...[
        `2002:${a}${b}:${c}${d}::1`,
        `2001:0:${a}${b}:${c}${d}::${port.toString(16)}`,
        `fe80::5efe:${address}`,
        `::ffff:${a}${b}:${c}${d}`,
      ],
    ]
  ) assert.equal(isPublicAddress(carrier), false, carrier);
});
