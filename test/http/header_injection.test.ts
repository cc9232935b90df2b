// Header injection and response splitting, on the wire: what a stranger writes into any parameter or header never begins a line
// of an answer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { currentRuntime, type Listener } from "../../lib/runtime/runtime.ts";
import { appInProcess } from "../support/app_in_process.ts";
import { linearTable, serverTable } from "../support/config_text.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

const redirectUri = "https://agent.example.com/callback";
const { app } = appInProcess(
  `${serverTable}${linearTable}[client.agent]\nredirect_uris = ["${redirectUri}"]\n` +
    "[rate_limit]\nper_address = 0\nper_client = 0\n",
);
let listener: Listener;
before(() => {
  listener = currentRuntime().serve({ host: "127.0.0.1", port: 0, fetch: app.fetch });
});
after(() => listener.stop(0));

/** Each ends a line for somebody: in bytes, encoded once or twice, overlong, or as a character that becomes one when narrowed. */
const breaks = [
  "%0d%0a",
  "%0a",
  "%0d",
  "%250d%250a",
  "%E5%98%8A%E5%98%8D",
  "%c0%8d%c0%8a",
  "%u000d%u000a",
  "%00%0d%0a",
  "%0d%20%0a",
  "%e2%80%a8",
  "%c2%85",
];
const injected = "X-Injected:%20yes";

async function answerOf(text: string): Promise<string> {
  const exchange = rawRequest(listener.port, text);
  await exchange.closed;
  return exchange.text();
}
const get = (path: string, headers: Record<string, string> = {}) =>
  answerOf(requestHead("GET", path, { Host: "mcp.example.com", Connection: "close", ...headers }));

function checkHead(answer: string, what: string): void {
  assert.match(answer, /^HTTP\/1\.1 [2345]\d\d /, what);
  const head = answer.slice(0, answer.indexOf("\r\n\r\n"));
  assert.doesNotMatch(head, /^x-injected/im, what);
  assert.doesNotMatch(head, /[^\r]\n|\r(?!\n)|\0/, what);
  assert.equal(answer.match(/^HTTP\/1\.1 /gm)!.length, 1, what);
}

const authorize = (parameters: string) =>
  `/authorize/mcp/linear?response_type=code&client_id=agent&redirect_uri=${encodeURIComponent(redirectUri)}` +
  `&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256${parameters}`;

for (
  const name of [
    "state",
    "scope",
    "resource",
    "response_type",
    "response_mode",
    "request",
    "client_id",
    "redirect_uri",
    "prompt",
  ]
) {
  test(`RFC 9110 §5.5: ${name} with a line end in ${breaks.length} spellings begins no line in the answer of /authorize`, async () => {
    await Promise.all(breaks.map(async (lineEnd) => {
      const value = `x${lineEnd}${injected}${lineEnd}${lineEnd}HTTP/1.1%20200%20OK`;
      const path = ["client_id", "redirect_uri", "response_type"].includes(name)
        ? authorize("").replace(new RegExp(`${name}=[^&]*`), `${name}=${value}`)
        : authorize(`&${name}=${value}`);
      checkHead(await get(path), `${name} ${lineEnd}`);
      checkHead(await get(`${path}&response_mode=x`), `${name} ${lineEnd}, refused`);
    }));
  });
}

test("RFC 9110 §5.5: a line end in a path, a host or a header that is echoed begins no line in the answer", async () => {
  await Promise.all(breaks.map(async (lineEnd) => {
    const value = `x${lineEnd}${injected}`;
    for (
      const path of [
        `/mcp/linear${value}`,
        `/${value}`,
        `/.well-known/oauth-protected-resource/${value}`,
        `/mcp/${value}`,
        `/callback/mcp/linear?state=${value}&code=x`,
      ]
    ) {
      checkHead(await get(path), path);
    }
    const headers = {
      "Authorization": `Bearer ${value}`,
      "Access-Control-Request-Headers": value,
      "Access-Control-Request-Method": "POST",
      "traceparent": value,
    };
    checkHead(await get("/mcp/linear", { ...headers, Origin: `https://mcp.example.com` }), lineEnd);
    checkHead(await get("/mcp/linear", { ...headers, Origin: `https://evil.example${value}` }), lineEnd);
  }));
});

test("RFC 9112 §5.2: bare line ends, NUL and obsolete folding in a request are refused or are no line of their own", async () => {
  for (const lineEnd of ["\n", "\r", "\0", "\r\n ", "\x0b", "\x85"]) {
    const exchange = rawRequest(
      listener.port,
      `OPTIONS /mcp/linear HTTP/1.1\r\nHost: mcp.example.com\r\nConnection: close\r\nOrigin: https://mcp.example.com\r\n` +
        `Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: a${lineEnd}X-Injected: yes\r\n\r\n`,
    );
    await exchange.closed;
    const head = exchange.text().slice(0, exchange.text().indexOf("\r\n\r\n"));
    assert.doesNotMatch(head, /^x-injected/im, JSON.stringify(lineEnd));
    assert.doesNotMatch(head, /[^\r]\n|\r(?!\n)|\0/, JSON.stringify(lineEnd));
  }
});
