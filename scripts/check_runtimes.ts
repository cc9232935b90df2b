// bun scripts/check_runtimes.ts, after npm run build -- --all: whether the runtimes that Bun fetched for other systems, and put into the
// binaries, are those of the lock file. Bun fetches them by itself and knows nothing of the lock file.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LockFile, readLockFile } from "./sbom.ts";

/**
 * The locked package of a runtime in Bun's cache, `bun-linux-x64-musl-baseline-v1.4.5`. Since 1.4 the builds for CPUs without AVX2 hold
 * the same program under another name.
 */
export function packageOf(cached: string): string {
  return `@oven/${cached.replace(/-v[\d.]+$/, "").replace(/-baseline/, "")}`;
}

/** @throws Error when the package that npm has now is not the one of the lock file */
function lockedProgram(name: string, lock: LockFile, folder: string): string {
  const locked = lock.packages[`node_modules/${name}`];
  if (locked?.integrity === undefined) throw new Error(`${name} is not in package-lock.json`);
  const file = run("npm", ["pack", `${name}@${locked.version}`, "--silent", "--pack-destination", folder]).trim();
  const integrity = `sha512-${createHash("sha512").update(readFileSync(join(folder, file))).digest("base64")}`;
  if (integrity !== locked.integrity) throw new Error(`${name} is ${integrity}, locked is ${locked.integrity}`);
  run("tar", ["-xzf", join(folder, file), "-C", folder]);
  const program = join(folder, "package/bin", name.includes("windows") ? "bun.exe" : "bun");
  const sum = sumOf(program);
  rmSync(join(folder, "package"), { recursive: true });
  return sum;
}

function sumOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function run(program: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function main(): number {
  const lock = readLockFile();
  const version = lock.packages["node_modules/bun"]!.version;
  const cache = run(process.execPath, ["pm", "cache"]).trim();
  const runtimes = readdirSync(cache).filter((name) => name.startsWith("bun-") && name.endsWith(`-v${version}`));
  const folder = mkdtempSync(join(tmpdir(), "runtimes-"));
  try {
    for (const runtime of runtimes) {
      const name = packageOf(runtime);
      if (sumOf(join(cache, runtime)) !== lockedProgram(name, lock, folder)) {
        console.error(`${runtime} in Bun's cache is not the program of ${name} ${version}`);
        return 1;
      }
      console.log(`${runtime}  as locked (${name})`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return runtimes.length > 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
