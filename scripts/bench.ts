// npm run bench: the compiled binary measured beside nginx, HAProxy and Caddy, on this machine's loopback. Linux, with nginx, wrk
// and taskset, better with haproxy and caddy too. docs/performance.md says how to read it.
//   npm run bench                                       every section
//   npm run bench -- --only forward,authenticate        these
//   npm run bench -- --rounds 3 --seconds 2             shorter; --minutes for what has to last
//   npm run bench -- --full                             ten minutes where the others make do with one
//   npm run bench -- --cores 2,3                        proxy on core 2, everything else on core 3
//   npm run bench -- --write                            into docs/performance.md as well
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chooseCores, moveToLoadCore } from "../test/bench/cores.ts";
import { describeMachine, watchNoise } from "../test/bench/machine.ts";
import { printFindings } from "../test/bench/report.ts";
import { sections } from "../test/bench/sections.ts";
import type { Section, Settings } from "../test/bench/section.ts";
import { findProgram } from "../test/support/programs.ts";

const root = resolve(import.meta.dirname!, "..");
const binary = join(root, "dist", "mcp-oauth-proxy");
const document = join(root, "docs", "performance.md");

process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.stack : error);
  return 1;
});

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "5" },
      minutes: { type: "string" },
      full: { type: "boolean", default: false },
      cores: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const chosen = chooseSections(values.only);
  const missing = ["taskset", "nginx", "wrk"].filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) throw new Error(`${missing.join(" and ")} missing; Debian: apt install util-linux nginx wrk`);
  buildIfOutdated();
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const settings: Settings = {
    cores: chooseCores(values.cores),
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    minutes: values.minutes === undefined ? (values.full ? 10 : 1) : positive("minutes", values.minutes),
    binary,
    folder,
    say: () => {},
  };
  moveToLoadCore(settings.cores);
  const machine =
    `${describeMachine()}. Proxy on core ${settings.cores.proxy}, load and downstream on core ${settings.cores.load}.`;
  console.log(`${machine}\n`);
  const parts: string[] = [];
  const watchAll = watchNoise();
  const started = performance.now();
  let wrong = 0;
  for (const section of chosen) {
    const part = await runSection(section, settings);
    wrong += part.wrongAnswers;
    parts.push(part.text);
    console.log(`${part.text}\n`);
  }
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  const whole = `${new Date().toISOString().slice(0, 10)}, ${minutes} minutes. ${machine} ${watchAll().text}`;
  console.log(whole);
  if (values.write) writeInto(document, [whole, ...parts].join("\n\n"));
  return wrong === 0 ? 0 : 1;
}

/** A section that fails says so in its place, and the others go on. */
async function runSection(section: Section, settings: Settings): Promise<{ text: string; wrongAnswers: number }> {
  const noise = watchNoise();
  const say = (what: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${section.id}: ${what}`);
  try {
    const findings = await section.run({ ...settings, say });
    return { text: printFindings(section, findings, noise()), wrongAnswers: findings.wrongAnswers };
  } catch (error) {
    console.error(error);
    return { text: `### ${section.title}\n\nNot measured: ${String(error)}`, wrongAnswers: 1 };
  }
}

function chooseSections(only: string | undefined): readonly Section[] {
  if (only === undefined) return sections;
  const ids = only.split(",");
  const unknown = ids.filter((id) => !sections.some((section) => section.id === id));
  if (unknown.length > 0) {
    throw new Error(`no section ${unknown.join(", ")}; there are: ${sections.map(({ id }) => id).join(", ")}`);
  }
  return sections.filter(({ id }) => ids.includes(id));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${JSON.stringify(text)}`);
  return value;
}

/** Measured is what a release ships: a binary older than the sources is built anew. */
function buildIfOutdated(): void {
  const sources = ["main.ts", "package.json", "package-lock.json", "scripts/build.ts"].map((file) => join(root, file));
  for (const file of readdirSync(join(root, "lib"), { recursive: true }) as string[]) {
    sources.push(join(root, "lib", file));
  }
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  if (existsSync(binary) && statSync(binary).mtimeMs > newest) return;
  const { status } = spawnSync(process.execPath, ["scripts/build.ts"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("the binary could not be built");
}

/** Between the two markers; what stands around them is written by hand. */
function writeInto(file: string, text: string): void {
  const [start, end] = ["<!-- bench:start -->", "<!-- bench:end -->"];
  const whole = readFileSync(file, "utf8");
  const from = whole.indexOf(start);
  const to = whole.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has lost its markers ${start} and ${end}`);
  writeFileSync(file, `${whole.slice(0, from + start.length)}\n\n${text}\n\n${whole.slice(to)}`);
  console.log(`written into ${file}`);
}
