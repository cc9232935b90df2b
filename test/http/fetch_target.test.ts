// Known server-side request forgery payloads, as strings that a client can send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFetchTarget, UnsafeUrlError } from "../../lib/http/fetch_target.ts";

/** Each must either not be a URL at all or be refused before anything is looked up. */
const payloads: Record<string, string[]> = {
  "other schemes": [
    ...[
      "http://client.example.com/",
      "ftp://client.example.com/",
      "file:///etc/passwd",
      "gopher://127.0.0.1:6379/_INFO",
    ],
    ...["data:application/json,{}", "javascript:alert(1)", "ws://client.example.com/", "wss://client.example.com/"],
    ...[
      "blob:https://client.example.com/1",
      "jar:https://client.example.com/!/",
      "//client.example.com/",
      "client.example.com",
    ],
  ],
  "loopback and private addresses": [
    ...[
      "https://127.0.0.1/",
      "https://127.0.0.1:8443/",
      "https://127.255.255.254/",
      "https://0.0.0.0/",
      "https://10.0.0.1/",
    ],
    ...[
      "https://172.16.0.1/",
      "https://192.168.1.1/",
      "https://100.64.0.1/",
      "https://255.255.255.255/",
      "https://224.0.0.1/",
    ],
  ],
  "other spellings of 127.0.0.1": [
    ...[
      "https://2130706433/",
      "https://0x7f000001/",
      "https://0x7f.1/",
      "https://017700000001/",
      "https://0177.0.0.01/",
    ],
    ...[
      "https://127.1/",
      "https://127.0.1/",
      "https://0x7F.0x0.0x0.0x1/",
      "https://127.0.0.0x1/",
      "https://127.0.0.1./",
    ],
    ...[
      "https://0/",
      "https://0x/",
      "https://%31%32%37.0.0.1/",
      "https://①②⑦.⓪.⓪.①/",
      "https://127。0。0。1/",
      "https://127．0．0．1/",
    ],
    ...[
      "https://127.0.0.1../",
      "https://1\u00ad27.0.0.1/",
      "https://127.0.0.1\t/",
      "https://127.0.\n0.1/",
      "https://4294967296/",
      "https://256.0.0.1/",
    ],
  ],
  "IPv6 forms": [
    ...[
      "https://[::1]/",
      "https://[::]/",
      "https://[0:0:0:0:0:0:0:1]/",
      "https://[::127.0.0.1]/",
      "https://[::ffff:127.0.0.1]/",
    ],
    ...[
      "https://[::ffff:7f00:1]/",
      "https://[::ffff:169.254.169.254]/",
      "https://[64:ff9b::127.0.0.1]/",
      "https://[64:ff9b::a9fe:a9fe]/",
    ],
    ...[
      "https://[64:ff9b:1::a00:1]/",
      "https://[2002:7f00:1::]/",
      "https://[2001:0:1::1]/",
      "https://[fe80::1]/",
      "https://[fd00:ec2::254]/",
    ],
    ...[
      "https://[fe80::1%25eth0]/",
      "https://[fe80::1%eth0]/",
      "https://[::1%25lo]/",
      "https://[ff02::1]/",
      "https://[::1",
      "https://::1/",
    ],
  ],
  "metadata services": [
    ...[
      "https://169.254.169.254/latest/meta-data/",
      "https://2852039166/",
      "https://0xa9fea9fe/",
      "https://169.254.170.2/",
    ],
    ...["https://metadata.google.internal/", "https://metadata/", "https://instance-data/", "https://100.100.100.200/"],
    ...["https://192.0.0.192/", "https://168.63.129.16/"],
  ],
  "names for local machines": [
    ...[
      "https://localhost/",
      "https://LOCALHOST/",
      "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
      "https://localhost./",
      "https://foo.localhost/",
    ],
    ...[
      "https://printer.local/",
      "https://router.home.arpa/",
      "https://vault.service.internal/",
      "https://abc.onion/",
      "https://local/",
    ],
    ...["https://redis/", "https://kubernetes/", "https://internal./"],
  ],
  "names that are not plain": [
    ...[
      "https://client.example.com./",
      "https://client..example.com/",
      "https://.example.com/",
      "https://-client.example.com/",
    ],
    ...[
      "https://client-.example.com/",
      "https://cli_ent.example.com/",
      "https://*.example.com/",
      "https://a$(id).example.com/",
    ],
    ...[
      "https://127.0.0.1%00.example.com/",
      "https://127.0.0.1%2f.example.com/",
      "https://client.example.com%5c.evil.com/",
    ],
    ...[`https://${"a".repeat(64)}.example.com/`, `https://${"a.".repeat(127)}example.com/`, "https:///", "https://"],
  ],
  "credentials and confusion about the host": [
    ...[
      "https://user@client.example.com/",
      "https://user:password@client.example.com/",
      "https://:password@client.example.com/",
    ],
    ...[
      "https://client.example.com@127.0.0.1/",
      "https://client.example.com:443@127.0.0.1/",
      "https://a%40b@client.example.com/",
    ],
    ...[
      "https://127.0.0.1\\@client.example.com/",
      "https:\\\\127.0.0.1\\",
      "https:/127.0.0.1/",
      "https:127.0.0.1",
      "https://127.0.0.1#@client.example.com/",
    ],
    ...[
      "https://127.0.0.1?@client.example.com/",
      "https://127.0.0.1;client.example.com/",
      " https://127.0.0.1/",
      "hTTps://127.0.0.1/",
    ],
  ],
  "fragments": ["https://client.example.com/#", "https://client.example.com/#x", "https://client.example.com/a?b#c"],
  "ports of other services": [
    ...[
      "https://client.example.com:0/",
      "https://client.example.com:22/",
      "https://client.example.com:25/",
      "https://client.example.com:80/",
    ],
    ...[
      "https://client.example.com:465/",
      "https://client.example.com:993/",
      "https://client.example.com:2049/",
      "https://client.example.com:5060/",
    ],
    ...[
      "https://client.example.com:6000/",
      "https://client.example.com:6667/",
      "https://client.example.com:65536/",
      "https://client.example.com:-1/",
    ],
  ],
};

for (const [what, urls] of Object.entries(payloads)) {
  test(`fetch target: refuses ${what}`, () => {
    for (const url of urls) {
      if (!URL.canParse(url)) continue;
      assert.throws(() => parseFetchTarget(new URL(url)), UnsafeUrlError, url);
      const development = new URL(url);
      if (!/^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)$/.test(development.origin)) {
        assert.throws(() => parseFetchTarget(development, undefined, true), UnsafeUrlError, `${url} in development`);
      }
    }
  });
}

test("fetch target: takes public https URLs and says exactly where they lead", () => {
  for (
    const [url, expected] of [
      ["https://client.example.com/id.json", { encrypted: true, host: "client.example.com", port: 443 }],
      ["https://client.example.com:443/", { encrypted: true, host: "client.example.com", port: 443 }],
      ["https://client.example.com:8443/", { encrypted: true, host: "client.example.com", port: 8443 }],
      ["https://CLIENT.Example.COM/", { encrypted: true, host: "client.example.com", port: 443 }],
      ["https://bücher.example/", { encrypted: true, host: "xn--bcher-kva.example", port: 443 }],
      ["https://127.0.0.1.nip.io/", { encrypted: true, host: "127.0.0.1.nip.io", port: 443 }],
      ["https://client.example.com\\@127.0.0.1/", { encrypted: true, host: "client.example.com", port: 443 }],
      ["https://mylocalhost.example/", { encrypted: true, host: "mylocalhost.example", port: 443 }],
      ["https://8.8.8.8/", { encrypted: true, host: "8.8.8.8", port: 443, addresses: ["8.8.8.8"] }],
      ["https://134744072/", { encrypted: true, host: "8.8.8.8", port: 443, addresses: ["8.8.8.8"] }],
      ["https://[2606:4700::1]/", { encrypted: true, host: "2606:4700::1", port: 443, addresses: ["2606:4700::1"] }],
    ] as const
  ) assert.deepEqual(parseFetchTarget(new URL(url)), expected, url);
});

test("fetch target: in development, http on three spellings of loopback, without a lookup", () => {
  for (
    const [url, expected] of [
      ["http://127.0.0.1:3000/", { encrypted: false, host: "127.0.0.1", port: 3000, addresses: ["127.0.0.1"] }],
      ["http://[::1]:3000/", { encrypted: false, host: "::1", port: 3000, addresses: ["::1"] }],
      ["http://localhost/", { encrypted: false, host: "localhost", port: 80, addresses: ["127.0.0.1", "::1"] }],
    ] as const
  ) {
    assert.deepEqual(parseFetchTarget(new URL(url), undefined, true), expected);
    assert.throws(() => parseFetchTarget(new URL(url)), UnsafeUrlError);
  }
  for (
    const url of [
      ...[
        "http://localhost.:3000/",
        "http://foo.localhost/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
      ],
      ...[
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://client.example.com/",
        "http://user@localhost/",
        "http://localhost:22/",
        "http://localhost:6667/",
      ],
    ]
  ) assert.throws(() => parseFetchTarget(new URL(url), undefined, true), UnsafeUrlError, url);
});
