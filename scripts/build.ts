// npm run build: one binary for this machine, dist/mcp-oauth-proxy, with the runtime and everything else inside.
//   npm run build -- --all              every release target, and SHA256SUMS
//   npm run build -- linux-arm64 ...    only these, for this machine's tests of them
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { headerLimitFlag } from "../lib/runtime/header_limit.ts";

const root = resolve(import.meta.dirname!, "..");
const dist = join(root, "dist");
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");

/** As Bun names them, without its `bun-`. Their runtimes come from the npm registry, once, into Bun's cache. */
const releaseTargets = [
  "linux-x64",
  "linux-x64-baseline", // CPUs without AVX2
  "linux-arm64",
  "linux-x64-musl",
  "linux-x64-baseline-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
];

process.exitCode = main(process.argv.slice(2));

function main(args: string[]): number {
  const unknown = args.filter((arg) => arg !== "--all" && !releaseTargets.includes(arg));
  if (unknown.length > 0) {
    console.error(`Unknown target ${unknown.join(", ")}. Give --all, or some of: ${releaseTargets.join(" ")}`);
    return 2;
  }
  mkdirSync(dist, { recursive: true });
  const targets = args.includes("--all") ? releaseTargets : args;
  if (targets.length === 0) {
    compile(join(dist, process.platform === "win32" ? "mcp-oauth-proxy.exe" : "mcp-oauth-proxy"));
    return 0;
  }
  const files = targets.map((target) => {
    const file = join(dist, `mcp-oauth-proxy-${target}${target.startsWith("windows") ? ".exe" : ""}`);
    compile(file, target);
    return file;
  });
  if (args.includes("--all")) writeSums(files);
  return 0;
}

/** @throws Error when Bun does; its own message is on standard error by then */
function compile(file: string, target?: string): void {
  rmSync(file, { force: true });
  const started = performance.now();
  const { status } = spawnSync(bun, [
    "build",
    "main.ts",
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm", // bytecode's default, cjs, has no top-level await
    "--splitting", // what a command does not need is not loaded: a quarter of the time to the first answer, and 4 MB
    // The binary must not read settings from the folder it is started in.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--reject-unresolved",
    `--compile-exec-argv=${headerLimitFlag}`,
    ...(target ? [`--target=bun-${target}`] : []),
    `--outfile=${file}`,
  ], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`bun build failed for ${target ?? "this machine"}`);
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  console.log(`dist/${basename(file)}  ${megabytes} MB  ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** What `sha256sum --check` reads. */
function writeSums(files: string[]): void {
  const lines = files.map((file) =>
    `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`
  );
  writeFileSync(join(dist, "SHA256SUMS"), lines.join(""));
  console.log("dist/SHA256SUMS");
}
