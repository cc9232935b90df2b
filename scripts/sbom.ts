// bun scripts/sbom.ts: what the binaries hold, as CycloneDX 1.5 JSON on standard output, from package.json and the lock file.
// Not by `npm sbom --omit=dev`: npm 11 leaves out packages that development tools need too (hono, jose).
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const project = resolve(import.meta.dirname!, "..");

/** The parts of package-lock.json (version 3) that are read here. */
export interface LockFile {
  name: string;
  version: string;
  packages: Record<string, LockedPackage>;
}

export interface LockedPackage {
  version: string;
  license?: string;
  /** `sha512-` and base64. */
  integrity?: string;
  dev?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/**
 * One component for each locked package that is no development tool. Bun is compiled in: it and its packages for the systems that
 * we build for are of type `platform`; its packages for other systems are left out. The same lock file gives the same text.
 */
export function buildSbom(lock: LockFile): object {
  const root = lock.packages[""]!;
  const runs = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && !dev && !isOtherSystem(nameOf(path)))
    .map(([path, locked]) => ({ path, name: nameOf(path), locked }));
  const refOf = (name: string) => runs.find((found) => found.name === name)?.path;
  const dependencies = (ref: string, locked: LockedPackage) => ({
    ref,
    dependsOn: [...Object.keys(locked.dependencies ?? {}), ...Object.keys(locked.optionalDependencies ?? {})]
      .map(refOf).filter((found) => found !== undefined),
  });
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        "bom-ref": "mcp-oauth-proxy",
        type: "application",
        name: "mcp-oauth-proxy",
        version: root.version,
        licenses: [{ license: { id: "MIT" } }],
      },
    },
    components: runs.map(({ path, name, locked }) => ({
      "bom-ref": path,
      type: isRuntime(name) ? "platform" : "library",
      name,
      version: locked.version,
      purl: `pkg:npm/${name.replace("@", "%40")}@${locked.version}`,
      scope: "required",
      ...(locked.license ? { licenses: [{ license: { id: locked.license } }] } : {}),
      ...(locked.integrity ? { hashes: [hashOf(locked.integrity)] } : {}),
    })),
    dependencies: [
      dependencies("mcp-oauth-proxy", root),
      ...runs.map(({ path, locked }) => dependencies(path, locked)),
    ],
  };
}

/** `node_modules/@a/b` or `node_modules/c/node_modules/@a/b` -> `@a/b` */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

function isRuntime(name: string): boolean {
  return name === "bun" || name.startsWith("@oven/bun-");
}

/** The `-baseline` builds for older CPUs are of the same version; the lock file has no entry for them. */
const builtFor = /^@oven\/bun-((linux|darwin)-(x64|aarch64)(-musl)?|windows-x64)$/;

function isOtherSystem(name: string): boolean {
  return name.startsWith("@oven/bun-") && !builtFor.test(name);
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [, base64 = ""] = /^sha512-(\S+)$/.exec(integrity) ?? [];
  return { alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") };
}

export function readLockFile(): LockFile {
  return JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as LockFile;
}

if (import.meta.main) console.log(JSON.stringify(buildSbom(readLockFile()), null, 2));
