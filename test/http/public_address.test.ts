import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress } from "../../lib/http/public_address.ts";

const addresses: Record<string, string[]> = {
  'unspecified, "this network" (RFC 6890)': ["0.0.0.0", "0.1.2.3", "0.255.255.255", "::"],
  "loopback": ["127.0.0.1", "127.0.0.2", "127.255.255.255", "::1"],
  "private use (RFC 1918)": [
    "10.0.0.0",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
  ],
  "link-local, cloud metadata": ["169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "febf::1"],
  "unique local (RFC 4193), cloud metadata": ["fc00::1", "fd00:ec2::254", "fd20:ce::254", "fdff::1"],
  "site-local (RFC 3879)": ["fec0::1", "feff::1"],
  "carrier-grade NAT (RFC 6598), Alibaba metadata": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
  "Azure platform": ["168.63.129.16"],
  "protocol assignments, Oracle metadata": ["192.0.0.1", "192.0.0.170", "192.0.0.192"],
  "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"],
  "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
  "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
  "reserved, broadcast": ["240.0.0.1", "255.255.255.254", "255.255.255.255"],
  "anycast relays": ["192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2001:4:112::1", "2620:4f:8000::1"],
  "IPv4-mapped (RFC 4291 §2.5.5.2)": ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::FFFF:10.0.0.1"],
  "IPv4-compatible (RFC 4291 §2.5.5.1)": ["::127.0.0.1", "::7f00:1", "::a00:1", "::8.8.8.8"],
  "IPv4-translated (RFC 2765)": ["::ffff:0:127.0.0.1", "::ffff:0:a00:1"],
  "NAT64 (RFC 6052, RFC 8215)": ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1"],
  "6to4 (RFC 3056)": ["2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"],
  "Teredo (RFC 4380)": ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  "ORCHID, discard, segment routing": ["2001:10::1", "2001:20::1", "100::1", "5f00::1"],
  "not allocated": ["4000::1", "6000::1", "e000::1", "200::1", "1::1"],
  "with a zone": ["fe80::1%eth0", "2606:4700::1%1", "::1%lo"],
  "not an address": [
    "",
    "localhost",
    "example.com",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "8.8.8",
    "08.8.8.8",
    " 8.8.8.8",
    "8.8.8.8 ",
    "8.8.8.8:80",
    "[2606:4700::1]",
    "1:2:3",
    "8.8.8.8/8",
  ],
};

for (const [what, list] of Object.entries(addresses)) {
  test(`not public: ${what}`, () => {
    for (const address of list) assert.equal(isPublicAddress(address), false, address);
  });
}

test("public: addresses right beside the special ranges, and everyday ones", () => {
  for (
    const address of [
      ...[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
      ],
      ...[
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
      ],
      ...["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
      ...[
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:800::200e",
        "3ffe::1",
      ],
    ]
  ) assert.equal(isPublicAddress(address), true, address);
});
