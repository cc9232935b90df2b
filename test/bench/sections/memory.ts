// Memory: idle after the start, after load and a rest, and under steady mixed load with much that goes wrong.
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { freePort } from "../../support/free_port.ts";
import { createMint } from "../../support/minted_tokens.ts";
import { jsonRequest, startDownstream } from "../downstream.ts";
import { forwardRequest } from "../forward_rows.ts";
import { measureLoad } from "../measured_load.ts";
import { type Ours, startOurs } from "../ours.ts";
import { residentMiB } from "../process_usage.ts";
import type { Section, Settings } from "../section.ts";
import { medianOf, printNumber } from "../statistics.ts";
import { runWrk } from "../wrk.ts";

const users = 5_000;
const restSeconds = 5;
const sampleSeconds = 5;
/** What the collector's own coming and going may make of two medians. */
const toleranceMiB = 2;

export const memory: Section = {
  id: "memory",
  title: "Memory",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const downstream = stack.use(await startDownstream(settings));
    const streaming = stack.adopt(await startQuietStreams(), ({ close }) => close());
    const ours = await startOurs(settings, {
      downstreamUrl: downstream.checkedUrl,
      toml: `${passthrough("gone", await freePort())}${passthrough("streaming", streaming.port)}`,
    });
    stack.use(ours.process);
    await rest();
    const idle = residentMiB(ours.process.pid);
    settings.say("load");
    const loaded = await measureLoad(ours, await forwardRequest(ours), { ...settings, connections: 256 });
    const atLoad = residentMiB(ours.process.pid);
    await rest();
    const rested = residentMiB(ours.process.pid);
    settings.say(`steady load for ${settings.minutes} minutes`);
    const steady = await steadyLoad(ours, settings);
    const minute = (from: number, to: number) =>
      steady.samples.filter(({ seconds }) => seconds >= from * 60 && seconds < to * 60).map(({ mib }) => mib);
    const third = minute(2, 3);
    const last = minute(settings.minutes - 1, settings.minutes + 1);
    const growth = settings.minutes < 4 ? NaN : medianOf(last) - medianOf(third);
    return {
      tables: [
        {
          head: ["moment", "MiB"],
          rows: [
            ["idle after the start", printNumber(idle, 1)],
            [`after ${settings.seconds} s at 256 connections`, printNumber(atLoad, 1)],
            [`${restSeconds} s later`, printNumber(rested, 1)],
          ],
        },
        {
          head: ["steady load, minute", "lowest MiB", "median", "highest"],
          rows: Array.from({ length: Math.ceil(settings.minutes) }, (_, i) => i).flatMap((i) => {
            const mib = minute(i, i + 1).sort((a, b) => a - b);
            if (mib.length === 0) return [];
            return [[String(i + 1), ...[mib[0]!, medianOf(mib), mib.at(-1)!].map((value) => printNumber(value, 1))]];
          }),
        },
      ],
      aims: [
        { what: "idle after the start", limit: 48, measured: idle, is: "at most", unit: "MiB", digits: 1 },
        { what: "after load and a rest", limit: 70, measured: rested, is: "at most", unit: "MiB", digits: 1 },
        {
          what: "growth from the third minute to the last, medians",
          limit: toleranceMiB,
          measured: growth,
          is: "at most",
          unit: "MiB",
          digits: 1,
        },
      ],
      notes: [
        `Resident memory of the whole process. Steady load: ${steady.requests} calls with ${users} tokens in turn over 32 ` +
        `connections, beside them ${steady.refused} calls to a downstream that is gone and ${steady.aborted} event streams ` +
        `that the client aborts, one after the other with 20 ms in between. Growth needs at least 4 minutes; ${toleranceMiB} MiB stand for none.`,
      ],
      wrongAnswers: loaded.wrong + steady.wrong,
    };
  },
};

interface Steady {
  samples: { seconds: number; mib: number }[];
  requests: number;
  refused: number;
  aborted: number;
  wrong: number;
}

async function steadyLoad(ours: Ours, settings: Settings): Promise<Steady> {
  const seconds = settings.minutes * 60;
  const tokenFile = join(settings.folder, "tokens.txt");
  writeFileSync(tokenFile, (await Promise.all(Array.from({ length: users }, ours.token))).join("\n"));
  const { headers, ...request } = await forwardRequest(ours);
  const { Authorization: _, ...others } = headers;
  const steady: Steady = { samples: [], requests: 0, refused: 0, aborted: 0, wrong: 0 };
  const started = performance.now();
  const sampler = setInterval(() => {
    steady.samples.push({ seconds: (performance.now() - started) / 1000, mib: residentMiB(ours.process.pid) });
  }, sampleSeconds * 1000);
  let goesOn = true;
  const trouble = makeTrouble(ours, steady, () => goesOn);
  try {
    const load = { folder: settings.folder, connections: 32, seconds };
    const result = await runWrk({ ...request, headers: others, url: ours.url, tokenFile }, load);
    steady.requests = result.requests;
    steady.wrong += result.wrong;
  } finally {
    goesOn = false;
    clearInterval(sampler);
    await trouble;
  }
  return steady;
}

/** Calls that end in a 502, and streams that the client leaves. */
async function makeTrouble(ours: Ours, steady: Steady, goesOn: () => boolean): Promise<void> {
  const mint = createMint(ours.toml);
  const credential = { value: "some key" };
  const [gone, streaming] = await Promise.all(["gone", "streaming"].map((name) => mint(name, { credential })));
  while (goesOn()) {
    await new Promise((settle) => setTimeout(settle, 20));
    const refused = await fetch(`${ours.origin}/mcp/gone`, {
      method: "POST",
      headers: { authorization: `Bearer ${gone}`, "content-type": "application/json" },
      body: jsonRequest,
    });
    await refused.arrayBuffer();
    steady.refused++;
    if (refused.status !== 502) steady.wrong++;
    const leaving = new AbortController();
    const stream = await fetch(`${ours.origin}/mcp/streaming`, {
      headers: { authorization: `Bearer ${streaming}`, accept: "text/event-stream" },
      signal: leaving.signal,
    });
    if (stream.status !== 200) steady.wrong++;
    leaving.abort();
    steady.aborted++;
  }
}

/** A downstream whose event streams say one word and then nothing. */
function startQuietStreams(): Promise<{ port: number; close: () => void }> {
  const head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n: ready\n\n\r\n";
  const server = createServer((socket) => {
    socket.on("data", () => socket.write(head));
    socket.on("error", () => socket.destroy());
  });
  return new Promise((settle) => {
    server.listen(0, "127.0.0.1", () => {
      settle({ port: (server.address() as { port: number }).port, close: () => server.close() });
    });
  });
}

function passthrough(name: string, port: number): string {
  return `[downstream.${name}]
display_name = "${name}"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:${port}/mcp"
`;
}

function rest(): Promise<void> {
  return new Promise((settle) => setTimeout(settle, restSeconds * 1000));
}
