// Brings what npm can bring, and only when it is missing: every npm script starts here, so a fresh clone needs no other command.
// JavaScript, because nothing that reads TypeScript is installed yet. Node 20 or newer.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, env, execPath, exit, platform } from "node:process";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname ?? dirname(fileURLToPath(import.meta.url)), "..");
const lock = join(root, "package-lock.json");
const installed = join(root, "node_modules", ".package-lock.json");

// To run or build the program takes a few packages, to test it hundreds; `npm start` and `npm run build` wait for the few only.
const toRun = argv.includes("--to-run");
const isStale = !existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs;
const lacksTools = !toRun && !existsSync(inModules("typescript"));
if (argv.includes("--force") || isStale || lacksTools) {
  console.error("Installing dependencies with npm ci (once) ...");
  npm(["ci", ...(toRun ? ["--omit=dev"] : []), "--no-audit", "--no-fund", "--loglevel=error"]);
}
// npm may be told to skip the installers that put the two runtimes in place; then they are run here.
const exe = platform === "win32" ? ".exe" : "";
if (!ensure("bun", "bin/bun.exe", "install.js")) { // bun.exe on every platform
  fail(
    "Bun does not start. Remove node_modules and run `npm ci`; where there is no Bun for your platform, try `deno task start`.",
  );
}
if (!toRun && !existsSync(inModules("deno", `deno${exe}`)) && !ensure("deno", `deno${exe}`, "install.cjs")) {
  console.error("Deno could not be installed; the program runs without it, `npm test` and `npm run check` do not.");
}

/** Whether a package's program starts, after running the package's installer if need be. */
function ensure(name, program, installer) {
  if (works(inModules(name, program))) return true;
  spawnSync(execPath, [inModules(name, installer)], { cwd: inModules(name), stdio: ["ignore", 2, 2] });
  return works(inModules(name, program));
}

function works(program) {
  return existsSync(program) && spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

function inModules(...path) {
  return join(root, "node_modules", ...path);
}

/** The npm that runs us when there is one, else the one on the PATH. */
function npm(args) {
  const own = env.npm_execpath?.endsWith(".js") ? env.npm_execpath : undefined;
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const { status, error } = own
    ? spawnSync(env.npm_node_execpath ?? execPath, [own, ...args], options) // not a Node out of node_modules: npm ci removes it
    : spawnSync(platform === "win32" ? "npm.cmd" : "npm", args, { ...options, shell: platform === "win32" });
  if (status !== 0) fail(`npm ci failed${error ? ` (${error.message})` : ""}. Its message is above.`);
}

function fail(message) {
  console.error(message);
  exit(1);
}
