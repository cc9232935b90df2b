// Node 22 for programs that are made for Node, whatever runs the tests; the npm package `node` brings one.
import { join, resolve } from "node:path";

const packages = resolve(import.meta.dirname!, "../../node_modules");

/**
 * Command for a script of an npm package, to be followed by its arguments.
 * What it would open on every interface it opens on loopback, and it prints `listening {"port":...}` on standard error.
 *
 * @param script path inside node_modules
 */
export function node22(script: string): [program: string, ...args: string[]] {
  const preload = join(import.meta.dirname!, "loopback_only.mjs");
  return [join(packages, "node/bin/node"), "--import", preload, join(packages, script)];
}
