// POST /mcp, 1 KB in and 1 KB back, 64 connections, one core for the proxy.
import { type Downstream, jsonRequest, startDownstream } from "../downstream.ts";
import { measureLoad, type Sample } from "../measured_load.ts";
import { type Ours, startOurs } from "../ours.ts";
import type { Contender } from "../contender.ts";
import { isInstalled, startRival } from "../rivals.ts";
import { interleave } from "../rounds.ts";
import type { Findings, Section, Settings } from "../section.ts";
import { printSpread, ratios, spreadOf } from "../statistics.ts";
import type { WrkRequest } from "../wrk.ts";

const connections = 64;

export const forward: Section = {
  id: "forward",
  title: `Forwarding: POST, 1 KB to 1 KB, ${connections} connections, one core`,
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const downstream: Downstream = stack.use(await startDownstream(settings));
    const ours: Ours = await startOurs(settings, { downstreamUrl: downstream.checkedUrl });
    stack.use(ours.process);
    const direct: Contender = { name: "direct, no proxy", url: downstream.openUrl };
    const rows: Contender[] = [direct];
    for (const name of (["nginx", "haproxy", "caddy"] as const).filter(isInstalled)) {
      const rival = await startRival(name, downstream.openUrl, settings);
      stack.use(rival.process);
      rows.push(rival);
    }
    rows.push(ours);
    const request = await forwardRequest(ours);
    settings.say("warming up");
    for (const row of rows) await measureLoad(row, request, { ...settings, seconds: 2, connections });
    const samples = await interleave(rows, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${row.name}`);
      return measureLoad(row, request, { ...settings, connections });
    });
    return findings(settings, samples);
  },
};

/** What every row sends, the same bytes to everyone: an access token of ours and a call of a tool. */
export async function forwardRequest(ours: Pick<Ours, "token">): Promise<Omit<WrkRequest, "url">> {
  return {
    method: "POST",
    headers: {
      "Authorization": `Bearer ${await ours.token()}`,
      "Content-Type": "application/json",
      "Accept": "application/json, text/event-stream",
      "MCP-Protocol-Version": "2025-11-25",
    },
    body: jsonRequest,
  };
}

function findings({ rounds, seconds }: Settings, samples: Map<Contender, Sample[]>): Findings {
  const byName = (start: string) => [...samples].find(([{ name }]) => name.startsWith(start))?.[1];
  const nginx = byName("nginx")!;
  const caddy = byName("Caddy");
  const ours = byName("mcp-oauth-proxy")!;
  const rps = (row: Sample[]) => row.map(({ requestsPerSecond }) => requestsPerSecond);
  const cpu = (row: Sample[]) => row.map(({ microsecondsPerRequest }) => microsecondsPerRequest);
  const median = (values: number[]) => spreadOf(values).median;
  const againstNginx = median(ratios(rps(ours), rps(nginx)));
  return {
    tables: [{
      head: ["row", "requests/s", "× nginx", "CPU µs/request", "cores used: proxy", "load", "wrong"],
      rows: [...samples].map(([{ name, process }, row]) => [
        name,
        printSpread(spreadOf(rps(row)), 0),
        printSpread(spreadOf(ratios(rps(row), rps(nginx))), 2),
        process === undefined ? "" : printSpread(spreadOf(cpu(row)), 1),
        process === undefined ? "" : printSpread(spreadOf(row.map(({ proxyCores }) => proxyCores)), 2),
        printSpread(spreadOf(row.map(({ loadCores }) => loadCores)), 2),
        String(row.reduce((sum, { wrong }) => sum + wrong, 0)),
      ]),
    }],
    aims: [
      { what: "requests/s", limit: 0.45, measured: againstNginx, is: "at least", unit: "× nginx" },
      { what: "requests/s, stretch", limit: 0.55, measured: againstNginx, is: "at least", unit: "× nginx" },
      {
        what: "CPU per request",
        limit: 2.6,
        measured: median(ratios(cpu(ours), cpu(nginx))),
        is: "at most",
        unit: "× nginx",
      },
      {
        what: "requests/s",
        limit: 2,
        measured: caddy === undefined ? NaN : median(ratios(rps(ours), rps(caddy))),
        is: "at least",
        unit: "× Caddy",
      },
    ],
    notes: [
      `${rounds} rounds of ${seconds} s a row, in turn; median (lowest to highest). A ratio is taken within each round. ` +
      "The generator was not what held a row back where it used less of its core than in the direct row; a proxy that did not " +
      "get its whole core shared it with other processes.",
    ],
    wrongAnswers: [...samples.values()].flat().reduce((sum, { wrong }) => sum + wrong, 0),
  };
}
