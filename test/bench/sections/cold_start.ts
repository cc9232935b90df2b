// From the start of the program to its first 200.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../../support/free_port.ts";
import { programPath } from "../../support/programs.ts";
import { onCores } from "../cores.ts";
import { nginxConfig } from "../nginx_config.ts";
import { benchConfig } from "../ours.ts";
import { interleave } from "../rounds.ts";
import type { Section, Settings } from "../section.ts";
import { printSpread, spreadOf } from "../statistics.ts";

/** In each round. */
const starts = 3;

interface Row {
  name: string;
  /** Program and arguments that answer 200 on this port at /health. */
  command: (port: number) => string[];
  env: Record<string, string>;
}

export const coldStart: Section = {
  id: "cold-start",
  title: "Cold start to the first 200",
  async run(settings) {
    const { folder, binary } = settings;
    const serve = (port: number) => {
      const file = join(folder, `cold-${port}.toml`);
      writeFileSync(file, benchConfig(port, { downstreamUrl: "http://127.0.0.1:9/mcp" }));
      return [binary, "serve", "-c", file];
    };
    const rows: Row[] = [
      { name: "mcp-oauth-proxy", command: serve, env: {} },
      {
        name: "with BUN_CONFIG_MAX_HTTP_REQUESTS set, as in the image and the units",
        command: serve,
        env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
      },
      { name: "nginx, to know the machine by", command: (port) => nginxCommand(folder, port), env: {} },
    ];
    for (const row of rows) await startOnce(row, settings); // fills the page cache
    const samples = await interleave(rows, starts * settings.rounds, (row, round) => {
      if (round === 0) settings.say(row.name);
      return startOnce(row, settings);
    });
    const ours = spreadOf(samples.get(rows[0]!)!);
    return {
      tables: [{
        head: ["program", "starts", "ms to the first 200"],
        rows: [...samples].map(([{ name }, row]) => [name, String(row.length), printSpread(spreadOf(row), 0)]),
      }],
      aims: [{
        what: "mcp-oauth-proxy, median",
        limit: 40,
        measured: ours.median,
        is: "at most",
        unit: "ms",
        digits: 0,
      }],
      notes: [
        "Without that variable the program starts itself once more, which is in the first row. The file is in the page " +
        "cache; a first start from disk takes longer.",
      ],
      wrongAnswers: 0,
    };
  },
};

/** Milliseconds. @throws Error when it does not answer within 10 s */
async function startOnce({ name, command, env }: Row, { cores, folder }: Settings): Promise<number> {
  const port = await freePort();
  const [program = "", ...args] = onCores([cores.proxy], command(port));
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: "ignore",
    env: { PATH: process.env.PATH ?? "", HOME: folder, LOG_LEVEL: "info", ...env },
  });
  const ended = new Promise<void>((settle) => child.on("close", () => settle()));
  try {
    while (!await answers200(port)) {
      if (performance.now() - started > 10_000) throw new Error(`${name} did not answer within 10 s`);
    }
    return performance.now() - started;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/** Asks once; a port on which nobody listens yet says so at once. */
function answers200(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    socket.on("data", (chunk: string) => {
      settle(chunk.startsWith("HTTP/1.1 200"));
      socket.destroy();
    });
    socket.on("error", () => setTimeout(settle, 1, false));
    socket.on("close", () => settle(false));
  });
}

function nginxCommand(folder: string, port: number): string[] {
  const file = join(folder, `cold-${port}.conf`);
  writeFileSync(
    file,
    nginxConfig(folder, `cold-${port}`, `server { listen 127.0.0.1:${port}; location / { return 200 "OK"; } }`),
  );
  return [programPath("nginx"), "-p", folder, "-e", "stderr", "-c", file];
}
