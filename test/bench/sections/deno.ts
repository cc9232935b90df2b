// The same sources under Deno, as `deno task serve` runs them.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startDownstream } from "../downstream.ts";
import { forwardRequest } from "../forward_rows.ts";
import { compareLoads } from "../load_table.ts";
import { startOurs } from "../ours.ts";
import type { Section } from "../section.ts";

const root = resolve(import.meta.dirname!, "../../..");

export const deno: Section = {
  id: "deno",
  title: "Forwarding under Deno",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const downstream = stack.use(await startDownstream(settings));
    const rows = [];
    for (const [name, command] of [["compiled binary (Bun)", undefined], ["Deno", denoCommand()]] as const) {
      const ours = await startOurs(settings, { name, command, downstreamUrl: downstream.checkedUrl });
      stack.use(ours.process);
      rows.push({ name, contender: ours, request: await forwardRequest(ours) });
    }
    return await compareLoads(settings, rows, ["Deno is a target without an aim for speed."]);
  },
};

/** With the permissions of the task, and no other. */
function denoCommand(): string[] {
  const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as { tasks: Record<string, string> };
  const permissions = tasks.serve!.split(" ").filter((word) => word.startsWith("--allow-"));
  const deno = join(root, "node_modules", "deno", "deno");
  return [deno, "run", "--no-check", `--config=${root}/deno.json`, ...permissions, join(root, "main.ts")];
}
