import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { examineAddress } from "../../lib/doctor/address.ts";
import { examineCertificate } from "../../lib/doctor/certificate.ts";
import { examinePlainHttp } from "../../lib/doctor/plain_http.ts";
import { testCertificates, testServerKey } from "../support/test_certificates.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const answers = (answer: () => Response): typeof fetch => Object.assign(async () => answer(), { preconnect() {} });
const trusting = { fetch: answers(() => new Response()), nowMs: () => now, timeoutMs: 5000 };

/** What is found at a TLS server of this machine with such a certificate. */
async function certificateFinding(name: keyof typeof testCertificates, tools = trusting, host = "127.0.0.1") {
  const server = createServer({ key: testServerKey, cert: testCertificates[name] }, (_request, answer) => answer.end());
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  try {
    const { port } = server.address() as AddressInfo;
    const found = await examineCertificate(new URL(`https://${host}:${port}/mcp/x`), tools);
    return `${found?.level}: ${found?.text} → ${found?.fix}`;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("doctor: a trusted certificate for the name is fine, and the day it ends is said", async () => {
  assert.match(await certificateFinding("address"), /^ok: the certificate is trusted and good until 2124-01-01/);
});

test("doctor: an expired certificate, and the day it ended", async () => {
  assert.match(await certificateFinding("expired"), /^problem: the certificate ended on 2024-02-01 → renew it/);
});

test("doctor: a certificate for another name, with both names", async () => {
  assert.match(
    await certificateFinding("valid"),
    /^problem: the certificate is for client\.example\.com and not for 127/,
  );
});

test("doctor: a certificate whose authority nobody trusts, or without its chain", async () => {
  const found = await certificateFinding("address", { ...trusting, fetch: globalThis.fetch });
  assert.match(found, /^problem: the certificate's authority is not trusted.*fullchain\.pem/);
});

test("doctor: a certificate that ends within days is a warning", async () => {
  const late = { ...trusting, nowMs: () => Date.parse("2123-12-27T00:00:00Z") };
  assert.match(await certificateFinding("address", late), /^warning: the certificate ends in \d days → .*renewal/);
});

test("doctor: a port without TLS", async () => {
  const closed = { ...trusting, timeoutMs: 1000 };
  const found = await examineCertificate(new URL("https://127.0.0.1:9/mcp/x"), closed);
  assert.match(`${found?.level}: ${found?.text}`, /^problem: no TLS connection to 127\.0\.0\.1:9/);
});

for (
  const [addresses, expected] of [
    [["8.8.8.8", "2001:4860:4860::8888"], /^ok: mcp\.example\.com is 8\.8\.8\.8/],
    [["2001:4860:4860::8888"], /^problem: mcp\.example\.com has no IPv4 address, and Claude/],
    [["8.8.8.8", "10.0.0.7"], /^warning: mcp\.example\.com is 10\.0\.0\.7 here/],
    [[], /^problem: the name mcp\.example\.com has no address/],
  ] as const
) {
  test(`doctor: a name that is ${addresses.join(" and ") || "unknown"}`, async () => {
    const [found] = await examineAddress(new URL("https://mcp.example.com/"), async () => [...addresses]);
    assert.match(`${found!.level}: ${found!.text}`, expected);
  });
}

const moved = (location: string) => new Response(null, { status: 308, headers: { location } });
for (
  const [url, answer, expected] of [
    ["https://a.example/mcp/x", () => moved("https://a.example/mcp/x"), /^ok: http:\/\/ redirects/],
    [
      "https://a.example/mcp/x",
      () => moved("https://a.example/"),
      /^warning: http:\/\/ redirects to https:\/\/a\.example\/$/,
    ],
    ["https://a.example/mcp/x", () => new Response("hello"), /^warning: http:\/\/ answers 200 instead of redirecting/],
    ["http://a.example/mcp/x", () => new Response("hello"), /^problem: without TLS everybody/],
    ["http://127.0.0.1:8080/mcp/x", () => new Response("hello"), /^undefined: undefined$/],
    ["https://a.example:8443/mcp/x", () => new Response("hello"), /^undefined: undefined$/],
  ] as const
) {
  test(`doctor: ${url}, where http:// ${expected.source.slice(1)}`, async () => {
    const found = await examinePlainHttp(new URL(url), { ...trusting, fetch: answers(answer) });
    assert.match(`${found?.level}: ${found?.text}`, expected);
  });
}
