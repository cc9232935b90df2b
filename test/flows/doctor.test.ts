// doctor, against the proxy behind real reverse proxies: one that is right, and each of the usual ways to be wrong.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Check, Finding } from "../../lib/doctor/finding.ts";
import { examineStream } from "../../lib/doctor/stream.ts";
import { startCaddy } from "../support/caddy.ts";
import { type EdgeOptions, startEdge } from "../support/edge.ts";
import { freePort } from "../support/free_port.ts";
import { runProgram } from "../support/program.ts";
import { needs } from "../support/programs.ts";
import { startProxy } from "../support/proxy_process.ts";

interface Case {
  name: string;
  edge: Pick<EdgeOptions, "server" | "forward" | "path"> & { kind: "nginx" | "caddy" };
  /** Instead of the edge's own. */
  publicUrl?: string;
  /** Published on the edge's host instead of under `/mcp/notes`. */
  ownHost?: boolean;
  args?: string[];
  /** What doctor says at that check, with its fix; all is well when absent. */
  finds?: [Check, Finding["level"], RegExp];
}

const nginx = (server: string, forward: string, path?: string): Case["edge"] => ({
  kind: "nginx",
  server,
  forward,
  ...(path === undefined ? {} : { path }),
});
const caddy = (server: string, forward: string, path?: string): Case["edge"] => ({
  ...nginx(server, forward, path),
  kind: "caddy",
});
const cutAfter2Seconds = ["--long", "--seconds", "4"];

const cases: Case[] = [
  { name: "nginx forwards everything", edge: nginx("", ""), args: ["--long", "--seconds", "2"] },
  {
    name: "nginx buffers although it is told not to",
    // With 1.1 it passes each chunk on although it buffers; 1.0 is its default.
    edge: nginx("", "proxy_http_version 1.0; proxy_ignore_headers X-Accel-Buffering;"),
    finds: ["stream", "problem", /holds SSE back: the first comment.* came after [3-9]\.\d s.*proxy_buffering off/],
  },
  {
    name: "nginx blocks AI bots",
    edge: nginx(`if ($http_user_agent ~* "claude-user|openai") { return 403; }`, ""),
    finds: ["user agents", "problem", /answers 403 .*Claude \(Claude-User\).*ChatGPT \(openai-mcp.*http_user_agent/],
  },
  {
    name: "nginx keeps /.well-known for itself",
    edge: nginx("location /.well-known/ { return 404; }", ""),
    finds: ["resource", "problem", /oauth-protected-resource\/mcp\/notes is not forwarded.*404.*location \//],
  },
  {
    name: "nginx forwards only /mcp/ and /.well-known/",
    edge: nginx("location = / { return 404; }", "", "~ ^/(mcp|\\.well-known)/"),
    finds: ["endpoints", "problem", /\/authorize\/mcp\/notes, \/token\/mcp\/notes.*not forwarded/],
  },
  {
    name: "nginx strips a prefix of the path",
    edge: nginx("rewrite ^/mcp/(.*)$ /$1;", ""),
    finds: ["challenge", "problem", /\/mcp\/notes reaches the proxy, which publishes nothing there/],
  },
  {
    name: "nginx hides WWW-Authenticate",
    edge: nginx("", "proxy_hide_header WWW-Authenticate;"),
    finds: ["challenge", "problem", /no WWW-Authenticate header.*proxy_hide_header/],
  },
  {
    name: "nginx drops Authorization",
    edge: nginx("", `proxy_set_header Authorization "";`),
    finds: ["token", "problem", /Authorization header does not arrive.*proxy_set_header/],
  },
  {
    name: "nginx drops the CORS and session headers",
    edge: nginx("", "proxy_hide_header Access-Control-Expose-Headers; proxy_hide_header Mcp-Session-Id;"),
    finds: ["stream", "problem", /removes mcp-session-id/],
  },
  {
    name: "nginx hides Set-Cookie",
    edge: nginx("", "proxy_hide_header Set-Cookie;"),
    finds: ["cookies", "problem", /removes Set-Cookie.*proxy_hide_header/],
  },
  {
    name: "nginx rewrites the path of cookies",
    edge: nginx("", "proxy_cookie_path / /mcp/;"),
    finds: ["cookies", "problem", /browsers drop them: Path=\/mcp\/.*proxy_cookie_path/],
  },
  {
    name: "nginx answers browsers' preflights itself",
    edge: nginx("if ($request_method = OPTIONS) { return 405; }", ""),
    finds: ["browsers", "warning", /drops the preflight of the documents, the preflight of the MCP server/],
  },
  {
    name: "nginx does not pass the Host on",
    edge: nginx("", "proxy_set_header Host other.internal;"),
    ownHost: true,
    finds: ["challenge", "problem", /421.*proxy_set_header Host \$host/],
  },
  {
    name: "nginx cuts what is quiet for 2 s",
    edge: nginx("", "proxy_read_timeout 2s;"),
    args: cutAfter2Seconds,
    finds: ["long stream", "problem", /with a comment every 4 s is cut after [23]\.\d s.*proxy_read_timeout/],
  },
  {
    name: "public_url is another host",
    edge: nginx("", ""),
    publicUrl: "https://elsewhere.example",
    finds: ["resource", "problem", /says https:\/\/elsewhere\.example\/mcp\/notes, but.*set server\.public_url/],
  },
  { name: "Caddy forwards everything", edge: caddy("", ""), args: ["--long", "--seconds", "2"] },
  {
    name: "Caddy buffers",
    edge: caddy("", "buffer_responses"),
    finds: ["stream", "problem", /holds SSE back.*flush_interval -1/],
  },
  {
    name: "Caddy blocks AI bots",
    edge: caddy("@bots header_regexp User-Agent (?i)(claude-user|openai)\n\trespond @bots 403", ""),
    finds: ["user agents", "problem", /answers 403 .*Claude-User.*openai-mcp.*matcher on the User-Agent/],
  },
  {
    name: "Caddy forwards only /mcp/",
    edge: caddy("", "", "/mcp/*"),
    finds: ["resource", "problem", /which is not the proxy's answer|not forwarded/],
  },
  {
    name: "Caddy removes WWW-Authenticate",
    edge: caddy("", "header_down -WWW-Authenticate"),
    finds: ["challenge", "problem", /no WWW-Authenticate header.*header_down/],
  },
  {
    name: "Caddy changes the Host",
    edge: caddy("", "header_up Host other.internal"),
    ownHost: true,
    finds: ["challenge", "problem", /421.*no header_up Host/],
  },
  {
    name: "Caddy cuts what is quiet for 2 s",
    edge: caddy("", "transport http {\n\t\t\tread_timeout 2s\n\t\t}"),
    args: cutAfter2Seconds,
    finds: ["long stream", "problem", /with a comment every 4 s is cut after [23]\.\d s.*no read_timeout/],
  },
];

interface Outcome {
  code: number | null;
  output: string;
  findings: Finding[];
}

const notes = `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`;
const skipOf = { nginx: needs("nginx"), caddy: needs("caddy") };
const outcomes = new Map(
  cases.filter(({ edge }) => !skipOf[edge.kind]).map((each) => [each, Promise.withResolvers<Outcome>()]),
);
const lanes: Promise<void>[] = [];
let overHttp2: Promise<string[]>;

/** Some at once, because most of each is waiting for a stream. */
before(() => {
  const queue = outcomes.entries();
  const lane = async () => {
    for (const [each, { resolve, reject, promise }] of queue) {
      promise.catch(() => {}); // its own test reports it
      await run(each).then(resolve, reject);
    }
  };
  for (let each = 0; each < 5; each += 1) lanes.push(lane());
  if (!skipOf.caddy) (overHttp2 = streamOverHttp2()).catch(() => {}); // its own test reports it
});
after(async () => void await Promise.all(lanes));

for (const each of cases) {
  const { name, finds, edge: { kind } } = each;
  const says = finds === undefined ? "finds nothing wrong" : `names it at "${finds[0]}", with the fix`;
  test(`doctor: ${name}: ${says}`, { skip: skipOf[kind] }, async () => {
    const { code, output, findings } = await outcomes.get(each)!.promise;
    // That hosted clients can't reach loopback is always said.
    const wrong = findings.filter(({ level, check }) => level !== "ok" && check !== "dns");
    if (finds === undefined) {
      assert.deepEqual(wrong, []);
      assert.equal(code, 0, output);
      return;
    }
    const [check, level, sentence] = finds;
    const found = wrong.filter((finding) => finding.check === check && finding.level === level);
    assert.ok(found.some(({ text, fix }) => sentence.test(`${text} → ${fix}`)), output);
    assert.equal(code, wrong.some((finding) => finding.level === "problem") ? 1 : 0, output);
  });
}

async function run({ edge, publicUrl, ownHost = false, args = [] }: Case): Promise<Outcome> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  await using proxy = await startProxy({
    publicUrl: publicUrl ?? (ownHost ? "http://elsewhere.example" : origin),
    toml: `${notes}
${ownHost ? `host = "127.0.0.1:${port}"\npath = "/mcp"` : ""}
`,
  });
  await using _edge = await startEdge({ ...edge, port, to: proxy.port });
  const url = `${origin}${ownHost ? "/mcp" : "/mcp/notes"}`;
  const { code, output } = await runProgram(["doctor", url, "--json", ...args]);
  const { findings } = JSON.parse(output.slice(output.indexOf("{"))) as { findings: Finding[] };
  return { code, output, findings };
}

test("doctor: Caddy buffers over HTTP/2 only: names it, and says of a good one that both were tried", {
  skip: skipOf.caddy,
}, async () => {
  const [good, bad] = await overHttp2;
  assert.match(good!, /^ok: SSE comes through.*; ok: SSE over HTTP\/2 comes through as it is sent/);
  assert.match(
    bad!,
    /^ok: SSE comes through.*; problem: the edge holds SSE over HTTP\/2 back: .* came after [3-9]\.\d s/,
  );
});

/** What is said of a stream behind an edge that is right, and behind one that treats HTTP/2 otherwise. */
async function streamOverHttp2(): Promise<string[]> {
  await using proxy = await startProxy({ toml: notes });
  const { host, port } = new URL(proxy.url);
  const forward = (matcher: string, line: string) =>
    `reverse_proxy ${matcher} 127.0.0.1:${port} {\n header_up Host ${host}\n ${line}\n }\n`;
  const findingsBehind = async (site: string) => {
    const tlsPort = await freePort();
    await using _edge = await startCaddy(tlsPort, { localhost: site });
    const found = await examineStream(new URL(`https://localhost:${tlsPort}/mcp/notes`), {
      // The test certificate is nobody's that fetch trusts; this half is as without TLS.
      fetch: (url, init) =>
        fetch(new URL(new URL(String(url)).pathname + new URL(String(url)).search, proxy.url), init),
      nowMs: Date.now,
      timeoutMs: 10_000,
    });
    return found.filter(({ check }) => check === "stream").map(({ level, text }) => `${level}: ${text}`).join("; ");
  };
  return await Promise.all([
    findingsBehind(forward("", "")),
    findingsBehind(`@h2 protocol http/2\n ${forward("@h2", "buffer_responses")} ${forward("", "")}`),
  ]);
}
