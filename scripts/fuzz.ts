// npm run fuzz: the properties of test/properties with other seeds and many more runs, for as long as you like.
//   npm run fuzz -- --minutes 10                    all of them; rounds, each with the next seed
//   npm run fuzz -- --minutes 1 --seed 42           the first round's seed, for repeating what failed
//   npm run fuzz -- --minutes 1 --only deno legacy  on Deno, only files whose path holds "legacy"
// Ends at the first round with a counterexample, prints it with its seed, and exits 1.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { FuzzRound } from "../test/support/property.ts";

const root = resolve(import.meta.dirname!, "..");
const folder = "test/properties";
/** The runs of one round, as a multiple of those in `npm test`: a round takes about a minute. */
const times = 20;
const commands: Record<string, (files: string[]) => string[]> = {
  bun: (files) => [join(root, "node_modules/bun/bin/bun.exe"), "test", "--timeout=3600000", ...files],
  deno: (files) => [join(root, "node_modules/deno/deno"), "test", "--no-check", "-A", ...files],
};

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      only: { type: "string", default: "bun" },
    },
    allowPositionals: true,
  });
  const minutes = Number(values.minutes);
  const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const command = commands[values.only];
  const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".test.ts")).sort()
    .map((file) => `./${folder}/${file}`)
    .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)));
  if (!(minutes > 0) || !Number.isInteger(firstSeed) || command === undefined || files.length === 0) {
    console.error("npm run fuzz -- [--minutes N] [--seed INTEGER] [--only bun|deno] [part of a file's name ...]");
    return 2;
  }
  const until = Date.now() + minutes * 60_000;
  let all = 0;
  for (let seed = firstSeed; Date.now() < until - 1_000; seed++) {
    const { code, output, runs } = await runRound(command(files), { seed, until, times });
    const sum = Object.values(runs).reduce((sum, each) => sum + each, 0);
    all += sum;
    console.log(`seed ${seed}: ${Object.keys(runs).length} properties, ${sum.toLocaleString("en")} runs`);
    if (code !== 0) {
      console.log(output);
      console.log(
        `A counterexample. Again: npm run fuzz -- --seed ${seed} --only ${values.only} ${positionals.join(" ")}`,
      );
      return 1;
    }
  }
  console.log(`${all.toLocaleString("en")} runs in ${minutes} min, no counterexample`);
  return 0;
}

async function runRound(
  [program = "", ...args]: string[],
  round: Omit<FuzzRound, "report">,
): Promise<{ code: number; output: string; runs: Record<string, number> }> {
  const temporary = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-fuzz-"));
  const report = join(temporary, "report");
  writeFileSync(report, "");
  try {
    const env = { ...process.env, NO_COLOR: "1", MCP_OAUTH_PROXY_FUZZ: JSON.stringify({ ...round, report }) };
    const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output += text);
    }
    const code = await new Promise<number>((settle) => child.on("close", (code) => settle(code ?? 1)));
    const lines = readFileSync(report, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return { code, output, runs: Object.fromEntries(lines.map(({ name, runs }) => [name, runs])) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
