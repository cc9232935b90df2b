// serve --workers 2: processes that share the port, on two cores.
import { join } from "node:path";
import { startDownstream } from "../downstream.ts";
import { forwardRequest } from "../forward_rows.ts";
import { compareLoads, type LoadRow } from "../load_table.ts";
import { startOurs } from "../ours.ts";
import type { Section } from "../section.ts";

export const workers: Section = {
  id: "workers",
  title: "Two workers",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const { all, load } = settings.cores;
    const others = all.filter((core) => core !== load);
    const proxyCores = (others.length >= 2 ? others : all).slice(0, 2);
    const downstream = stack.use(await startDownstream(settings));
    const rows: LoadRow[] = [];
    for (const count of [1, 2]) {
      const name = count === 1 ? "1 process" : `${count} workers`;
      const ours = await startOurs(settings, {
        name,
        downstreamUrl: downstream.checkedUrl,
        toml: `[store]\nurl = "sqlite:${join(settings.folder, `workers-${count}.db`)}"\n`,
        args: count === 1 ? [] : ["--workers", String(count)],
        cores: proxyCores,
      });
      stack.use(ours.process);
      rows.push({ name, contender: ours, request: await forwardRequest(ours) });
    }
    const share = proxyCores.includes(load)
      ? "one of them that of the load, so that nothing can be gained here"
      : "none shared";
    return await compareLoads(settings, rows, [
      `Both rows may use cores ${
        proxyCores.join(" and ")
      }, ${share}; store sqlite:. Throughput is reported, not promised.`,
    ]);
  },
};
