// A malicious MCP server tries to use up the proxy's memory or time: its own users may lose, everybody else is served.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { type FloodStage, isLong, stageFlood } from "./flood_stage.ts";

const megabyte = 1_048_576;
const bombMegabytes = isLong ? 512 : 32;
const atOnce = isLong ? 12 : 3;
/**
 * What the process may grow by; the bombs and the endless bodies together hold many times as much. An answer that has to be
 * looked into takes up to twice `body_limit`, 20 MB, while it is.
 */
const growthMegabytes = 64 + atOnce * 20;

const zeros = Buffer.alloc(bombMegabytes * megabyte);
const bombs = {
  gzip: gzipSync(zeros, { level: 9 }),
  br: brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};
const line = `data: ${"x".repeat(megabyte)}\n\n`;
const tools = Array.from({ length: 100_000 }, (_, i) => ({ name: `tool-${i}`, inputSchema: { type: "object" } }));
const toolsList = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools } });

const answerJson = (answer: ServerResponse, body: string) =>
  void answer.writeHead(200, { "content-type": "application/json" }).end(body);
const answerBomb = (answer: ServerResponse, coding: keyof typeof bombs, type = "application/json") =>
  void answer.writeHead(200, { "content-type": type, "content-encoding": coding }).end(bombs[coding]);
/** Writes as long as the other side takes it. */
function answerEndlessly(answer: ServerResponse, type: string, chunk: string): void {
  answer.writeHead(200, { "content-type": type });
  const write = () => {
    while (!answer.destroyed && answer.write(chunk));
  };
  answer.on("drain", write);
  write();
}

let stage: FloodStage;
before(async () => {
  stage = await stageFlood({
    "gzip": (answer) => answerBomb(answer, "gzip"),
    "br": (answer) => answerBomb(answer, "br"),
    "gzip stream": (answer) => answerBomb(answer, "gzip", "text/event-stream"),
    "endless JSON": (answer) => answerEndlessly(answer, "application/json", `"${"x".repeat(65_536)}",`),
    "endless events": (answer) => answerEndlessly(answer, "text/event-stream", `data: ${"x".repeat(65_536)}\n\n`),
    "endless line": (answer) => answerEndlessly(answer, "text/event-stream", "x".repeat(65_536)),
    "tools": (answer) => answerJson(answer, toolsList),
    "line": (answer) => void answer.writeHead(200, { "content-type": "text/event-stream" }).end(line),
  });
  await Promise.all(Array.from({ length: 10 }, () => stage.userCall()));
});
after(() => stage[Symbol.asyncDispose]());

/** While `attack` runs, somebody else works; afterwards the process is not much larger than before. */
async function survives(attack: () => Promise<unknown>): Promise<void> {
  const before = await stage.residentMegabytes();
  let isOver = false;
  const attacking = attack().finally(() => isOver = true);
  do await stage.userCall(); while (!isOver);
  await attacking;
  const growth = await stage.residentMegabytes() - before;
  assert.ok(growth < growthMegabytes, `the process grew by ${growth.toFixed(0)} MB`);
}

const all = <T>(one: () => Promise<T>) => Promise.all(Array.from({ length: atOnce }, one));

for (const coding of ["gzip", "br", "gzip stream"]) {
  test(`a ${coding} bomb is refused where it would have to be unpacked, and costs the process little`, async () => {
    await survives(() =>
      all(async () => {
        const answer = await stage.attack(coding, { filtered: true });
        assert.equal(answer.status, 502);
        await answer.text();
      })
    );
  });
}

for (const attack of ["gzip", "endless JSON", "endless events"]) {
  test(`clients that read nothing of an answer with ${attack} hold no memory`, async () => {
    const before = await stage.residentMegabytes();
    const clients = Array.from({ length: atOnce }, () => connect(stage.proxy.port, "127.0.0.1"));
    for (const client of clients) client.on("error", () => {}).write(stage.attackHead(attack));
    for (let i = 0; i < 20; i++) await stage.userCall();
    const growth = await stage.residentMegabytes() - before;
    clients.forEach((client) => client.destroy());
    assert.ok(growth < growthMegabytes, `the process grew by ${growth.toFixed(0)} MB`);
  });
}

for (const attack of ["endless JSON", "endless line"]) {
  test(`an answer that is an ${attack} ends at the limit where it has to be looked into`, async () => {
    await survives(() =>
      all(async () => {
        const answer = await stage.attack(attack, { filtered: true });
        const size = (await answer.text().catch(() => "")).length;
        assert.ok(size < megabyte, `${size} characters came through`);
      })
    );
  });
}

test("S1-47: an event line of 1 MB passes whole, filtered or not", async () => {
  for (const filtered of [false, true]) {
    const text = await (await stage.attack("line", { filtered })).text();
    assert.equal(text.replaceAll(": keepalive\n\n", ""), line);
  }
});

test("of 100,000 tools those that the user's scope does not open are gone, and others are served meanwhile", async () => {
  await survives(() =>
    all(async () => {
      const answer = await stage.attack("tools", { filtered: true });
      const { result } = await answer.json() as { result: { tools: { name: string }[] } };
      assert.deepEqual(result.tools.map(({ name }) => name), ["tool-7"]);
    })
  );
});
