// How cost grows with the number of downstreams in the configuration.
import { startDownstream } from "../downstream.ts";
import { forwardRequest } from "../forward_rows.ts";
import { compareLoads, type LoadRow } from "../load_table.ts";
import { startOurs } from "../ours.ts";
import { residentMiB } from "../process_usage.ts";
import type { Section } from "../section.ts";
import { printNumber } from "../statistics.ts";

const counts = [1, 10, 100, 1000];

export const downstreams: Section = {
  id: "downstreams",
  title: "From 1 to 1 000 downstreams",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const downstream = stack.use(await startDownstream(settings));
    const rows: LoadRow[] = [];
    const starts: string[][] = [];
    for (const count of counts) {
      const others = Array.from({ length: count - 1 }, (_, i) => otherDownstream(`other-${i}`, downstream.checkedUrl));
      const started = performance.now();
      const ours = await startOurs(settings, { downstreamUrl: downstream.checkedUrl, toml: others.join("") });
      const ms = performance.now() - started;
      stack.use(ours.process);
      const name = `${count} ${count === 1 ? "downstream" : "downstreams"}`;
      const last = count === 1 ? "bench" : `other-${count - 2}`;
      const target = { ...ours, url: `${ours.origin}/mcp/${last}` };
      rows.push({ name, contender: target, request: await forwardRequest({ token: () => ours.token(last) }) });
      starts.push([name, printNumber(ms, 0), printNumber(residentMiB(ours.process.pid), 1)]);
    }
    const findings = await compareLoads(settings, rows, ["Asked is for the last downstream of the file."]);
    const startTable = { head: ["row", "ms until it listens", "MiB then"], rows: starts };
    return { ...findings, tables: [...findings.tables, startTable] };
  },
};

function otherDownstream(name: string, url: string): string {
  return `[downstream.${name}]
display_name = "${name}"
strategy = "passthrough"
downstream_url = "${url}"
auth_header_format = "X-Api-Key"
`;
}
