// Request smuggling (RFC 9112 §11.2), straight at us and through real reverse proxies: the MCP server must never see two
// requests where the front saw one. Each answer that a client gets is one request that the front saw.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free_port.ts";
import { type McpProxy, startMcpProxy } from "../support/mcp_proxy.ts";
import { findProgram, needs } from "../support/programs.ts";
import { framingDownstream, type Outcome, sendRaw, type Shape, shapes } from "../support/smuggling.ts";

type Front = "nobody" | "nginx" | "haproxy" | "caddy";
const fronts: Front[] = ["nobody", "nginx", "haproxy", "caddy"];
/** Sent behind the shapes, on connections of its own: when it is answered, the front has got to them as well. */
const plain: Shape = { name: "plain", bytes: (head) => head("Content-Length: 2\r\nConnection: close\r\n") + "{}" };

let downstream: Awaited<ReturnType<typeof framingDownstream>>;
let proxy: McpProxy;
const edges: AsyncDisposable[] = [];
const outcomes = new Map<Front, Outcome[]>();

before(async () => {
  downstream = await framingDownstream();
  proxy = await startMcpProxy(downstream.url);
  const here = fronts.filter((front) => front === "nobody" || findProgram(front) !== undefined);
  await Promise.all(here.map(async (front) => {
    const port = await listen(front);
    const passed = Promise.withResolvers<void>();
    const attacks = shapes.map((shape, index) => attack(port, `${front}-${index}-`, shape, passed.promise));
    for (let again = 0; again < 3; again++) await attack(port, `${front}-plain-`, plain, new Promise(() => {}));
    passed.resolve();
    outcomes.set(front, await Promise.all(attacks));
  }));
});
after(async () => {
  await Promise.all(edges.map((edge) => edge[Symbol.asyncDispose]()));
  await proxy.stop();
  await downstream[Symbol.asyncDispose]();
});

async function listen(front: Front): Promise<number> {
  if (front === "nobody") return proxy.port;
  const port = await freePort();
  const keepsConnections = { nginx: 'proxy_set_header Connection "";', haproxy: "", caddy: "" }[front];
  edges.push(await startEdge({ kind: front, port, to: proxy.port, forward: keepsConnections }));
  return port;
}

function attack(port: number, mark: string, { bytes }: Shape, released: Promise<void>): Promise<Outcome> {
  const request = (query: string, version: string) =>
    `POST /mcp/fake?${mark}${query} HTTP/${version}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${proxy.token}\r\n`;
  const inner = `${request("inner", "1.1")}Content-Length: 2\r\n\r\n{}`;
  return sendRaw(port, bytes((extra, version = "1.1") => `${request("outer", version)}${extra}\r\n`, inner), released);
}

for (const front of fronts) {
  const skip = front === "nobody" ? undefined : needs(front);
  test(
    `RFC 9112 §11.2: with ${front} in front, none of ${shapes.length} shapes brings the MCP server a request that the front did not see`,
    { skip },
    () => {
      const broken: string[] = [];
      shapes.forEach(({ name }, index) => {
        const { answers } = outcomes.get(front)![index]!;
        const seen = (query: string) =>
          downstream.requests.filter((text) => text.split("\r\n")[0]!.endsWith(`?${front}-${index}-${query} HTTP/1.1`));
        const [outer, inner] = [seen("outer"), seen("inner")];
        // One request without an answer is one that the front gave up on.
        if (outer.length > 1 || inner.length > 1 || (inner.length > 0 && outer.length + inner.length > answers)) {
          broken.push(`${name}: ${outer.length} + ${inner.length} requests, ${answers} answers`);
        }
        for (const text of [...outer, ...inner]) {
          const head = text.slice(0, text.indexOf("\r\n\r\n"));
          if ((head.match(/^(content-length|transfer-encoding):/gim) ?? []).length > 1) {
            broken.push(`${name}: framed twice\n${head}`);
          }
        }
      });
      assert.deepEqual(broken, []);
    },
  );
}

test("the attacks are no blanks: a plainly framed request arrives through every front", () => {
  assert.ok(shapes.length > 60);
  for (const front of outcomes.keys()) {
    const arrived = downstream.requests.filter((text) => text.includes(`?${front}-plain-outer HTTP/1.1`));
    assert.equal(arrived.length, 3, front);
  }
});
