// npm test: every test under Bun and under Deno, then the programs' own tests against the compiled binary.
//   npm test                          everything
//   npm test -- test/store            only these files or folders
//   npm test -- --only deno           one of bun, deno, binary
//   npm test -- --results FILE        also writes name and outcome of each test; a whole run does, to dist/test_results.json
// Ends with one line `N passed, N failed`. With CI=true a test left out because a program is missing is a failure.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseJUnit, type TestCase } from "./junit.ts";

interface Suite {
  name: "bun" | "deno" | "binary";
  /** Path prefixes, relative to the project. */
  takes: (file: string) => boolean;
  command: (files: string[], report: string) => string[];
  env?: Record<string, string>;
}

const root = resolve(import.meta.dirname!, "..");
const binary = join(root, "dist", process.platform === "win32" ? "mcp-oauth-proxy.exe" : "mcp-oauth-proxy");
/** Longer than any suite takes; a suite that hangs ends here instead of holding CI. */
const suiteTimeoutMs = 8 * 60_000;

/** Away from a terminal Deno's dot reporter gives each test a line. */
const denoDots = /^[.,!]\n/gm;

const bunTest = (files: string[], report: string) => [
  join(root, "node_modules", "bun", "bin", "bun.exe"),
  ...["test", "--timeout=60000", "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`],
  ...files.map((file) => `./${file}`),
];
/** Tests start programs and write to temporary folders, and reach nothing but this machine. */
const denoPermissions = [
  "--allow-net=127.0.0.1,localhost,[::1],0.0.0.0",
  ...["--allow-read", "--allow-write", "--allow-env", "--allow-run", "--allow-sys"],
];
// No type check here: `npm run check` did it, and Deno does not find the types of the SDK's wildcard exports.
const denoTest = (files: string[], report: string) => [
  process.execPath.includes("deno") ? process.execPath : join(root, "node_modules", "deno", "deno"),
  ...["test", "--no-check", ...denoPermissions, "--reporter=dot", `--junit-path=${report}`, ...files],
];

const suites: Suite[] = [
  { name: "bun", takes: (file) => !file.startsWith("test/binary/"), command: bunTest },
  { name: "deno", takes: (file) => !file.startsWith("test/binary/"), command: denoTest },
  {
    name: "binary",
    takes: (file) => /^test\/(flows|cli|binary|conformance)\//.test(file),
    command: bunTest,
    env: { MCP_OAUTH_PROXY_BIN: binary },
  },
];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string" }, results: { type: "string" } },
    allowPositionals: true,
  });
  const chosen = suites.filter((suite) => !values.only || suite.name === values.only);
  if (chosen.length === 0) {
    console.error(`--only takes one of: ${suites.map((suite) => suite.name).join(", ")}`);
    return 2;
  }
  const results: TestCase[] = [];
  const leftOut = new Set<string>();
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-test-"));
  const runInTurn = async (lane: Suite[]) => {
    for (const suite of lane) {
      const files = testFiles(positionals).filter(suite.takes);
      if (files.length > 0) results.push(...await runSuite(suite, files, folder, leftOut));
    }
  };
  try {
    // Two at a time: a suite waits more than it works, and CI has two cores.
    await Promise.all([
      runInTurn(chosen.filter(({ name }) => name !== "deno")),
      runInTurn(chosen.filter(({ name }) => name === "deno")),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const isWhole = chosen.length === suites.length && positionals.length === 0;
  const resultsFile = values.results ?? (isWhole ? join(root, "dist", "test_results.json") : undefined);
  if (resultsFile !== undefined) writeResults(resultsFile, results);
  return report(results, leftOut);
}

/** For `npm run acceptance`. */
function writeResults(file: string, results: TestCase[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(results, undefined, 1));
}

/** Runs one suite with its output on ours; a crash, a hang or an empty report counts as one failed test. */
async function runSuite(suite: Suite, files: string[], folder: string, leftOut: Set<string>): Promise<TestCase[]> {
  console.log(`\n== ${suite.name}: ${files.length} files`);
  if (suite.name === "binary" && !existsSync(binary)) return [broken(suite, `${binary} is missing; run npm run build`)];
  const reportFile = join(folder, `${suite.name}.xml`);
  const leftOutFile = join(folder, `${suite.name}.left-out`);
  writeFileSync(leftOutFile, "");
  const started = performance.now();
  const end = await run(suite.command(files, reportFile), {
    ...withoutOurSettings(process.env),
    ...suite.env,
    MCP_OAUTH_PROXY_LEFT_OUT: leftOutFile,
    NO_COLOR: "1",
  });
  const cases = existsSync(reportFile) ? parseJUnit(readFileSync(reportFile, "utf8")) : [];
  for (const reason of readFileSync(leftOutFile, "utf8").split("\n").filter(Boolean)) {
    leftOut.add(`${suite.name}: ${reason}`);
  }
  const failed = cases.filter((result) => result.outcome === "failed");
  const results = cases.map((result) => ({ ...result, file: `${suite.name} ${result.file.replace(/^\.\//, "")}` }));
  if (cases.length === 0) results.push(broken(suite, "it reported no test"));
  else if (end !== "exit 0" && failed.length === 0) {
    results.push(broken(suite, `no test failed, yet it ended with ${end}`));
  }
  console.log(`== ${suite.name}: ${cases.length} tests in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return results;
}

function broken(suite: Suite, why: string): TestCase {
  return { file: suite.name, name: `the suite itself: ${why}`, outcome: "failed" };
}

/** `exit 0`, or how else it ended. */
function run([program = "", ...args]: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((settle) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => output += chunk);
    const timer = setTimeout(() => child.kill("SIGKILL"), suiteTimeoutMs);
    const ended = (how: string) => {
      clearTimeout(timer);
      console.log(output.replace(denoDots, "").trim());
      settle(how);
    };
    child.on("error", (error) => ended(error.message));
    child.on(
      "close",
      (code, signal) => ended(signal ? `${signal} (limit ${suiteTimeoutMs / 1000} s)` : `exit ${code}`),
    );
  });
}

function testFiles(only: string[]): string[] {
  const all = (readdirSync(join(root, "test"), { recursive: true }) as string[])
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".test.ts") && statSync(join(root, file)).isFile())
    .sort();
  if (only.length === 0) return all;
  const wanted = only.map((path) => path.replace(/^\.\//, "").replace(/\/$/, ""));
  return all.filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** A developer's own settings for the proxy must not reach the tests. */
function withoutOurSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(MCP_PROXY_|MCP_OAUTH2?_PROXY_|LOG_LEVEL$|RUST_LOG$)/.test(name)),
  );
}

/** Prints what failed and what was left out, then the one line. Returns the exit code. */
function report(results: TestCase[], leftOut: ReadonlySet<string>): number {
  const of = (outcome: TestCase["outcome"]) => results.filter((result) => result.outcome === outcome);
  const inCi = process.env.CI === "true";
  const print = (title: string, lines: string[]) => {
    if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
  };
  print("Failed (in full above):", of("failed").map(({ file, name }) => `${file}: ${name}`));
  const skipped = of("skipped");
  print(`Skipped (${skipped.length}):`, skipped.map(({ file, name }) => `${file}: ${name}`));
  print(`Left out because a program is missing${inCi ? " (a failure in CI)" : ""}:`, [...leftOut]);
  if (results.length === 0) print("No test matched.", ["npm test -- [--only bun|deno|binary] [file or folder ...]"]);
  const failed = of("failed").length + (inCi ? leftOut.size : 0);
  console.log(`\n${of("passed").length} passed, ${failed} failed`);
  return failed > 0 || results.length === 0 ? 1 : 0;
}
