// npm run test:long: the tests that take minutes, in full. The fault harness (issue 3): five times 1,000 refreshes, about a minute
// each, against main.ts; with MCP_OAUTH_PROXY_BIN against a binary. The unit under a real systemd with the binary, half a minute.
// The soak of issue 7: 20 minutes, or MCP_OAUTH_PROXY_SOAK_MINUTES. Floods and malicious MCP servers in full, with the p99 of a
// user beside them, six minutes.
// Each strategy's whole login in Chromium in every colour scheme, width and with JavaScript on and off, a minute.
//   npm run test:long            on Bun
//   npm run test:long -- deno    on Deno
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname!, "..");
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
const deno = join(root, "node_modules", "deno", "deno");
const commands: Record<string, string[]> = {
  bun: [
    bun,
    "test",
    "--timeout=1500000",
    "./test/faults",
    "./test/soak",
    "./test/exhaustion",
    "./test/deploy/real_systemd.test.ts",
    "./test/flows/browser_logins.test.ts",
  ],
  deno: [deno, "test", "--no-check", "-A", "test/faults", "test/soak", "test/exhaustion"],
};

const command = commands[process.argv[2] ?? "bun"];
if (command === undefined) {
  console.error(`npm run test:long -- [${Object.keys(commands).join("|")}]`);
  process.exitCode = 2;
} else {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, MCP_OAUTH_PROXY_LONG: "1", NO_COLOR: "1" },
  });
  process.exitCode = await new Promise<number>((settle) => child.on("close", (code) => settle(code ?? 1)));
}
