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

if (argv.includes("--force") || !existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.error("Installing dependencies with npm ci (once) ...");
  npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}
ensureBun();

/** npm may be told to skip the installer that puts Bun's binary in place; then it is run here. */
function ensureBun() {
  const bun = join(root, "node_modules", "bun", "bin", "bun.exe"); // that name on every platform
  if (works(bun)) return;
  const installer = join(root, "node_modules", "bun", "install.js");
  spawnSync(execPath, [installer], { cwd: join(root, "node_modules", "bun"), stdio: ["ignore", 2, 2] });
  if (!works(bun)) {
    fail(
      "Bun does not start from node_modules/bun. Remove node_modules and run `npm ci`; if your platform has no Bun binary, run `deno task start`.",
    );
  }
}

function works(program) {
  return existsSync(program) && spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** The npm that runs us when there is one, else the one on the PATH. */
function npm(args) {
  const own = env.npm_execpath?.endsWith(".js") ? env.npm_execpath : undefined;
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const { status, error } = own
    ? spawnSync(execPath, [own, ...args], options)
    : spawnSync(platform === "win32" ? "npm.cmd" : "npm", args, { ...options, shell: platform === "win32" });
  if (status !== 0) fail(`npm ci failed${error ? ` (${error.message})` : ""}. Its message is above.`);
}

function fail(message) {
  console.error(message);
  exit(1);
}
