// Direct, nginx, HAProxy, Caddy and ours in front of one downstream, and the request that all of them get.
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import type { Contender } from "./contender.ts";
import { jsonRequest, startDownstream } from "./downstream.ts";
import { type Ours, startOurs } from "./ours.ts";
import { isInstalled, startRival } from "./rivals.ts";
import type { Settings } from "./section.ts";
import { startPinned } from "./started_process.ts";
import type { WrkRequest } from "./wrk.ts";

export interface ForwardRows extends AsyncDisposable {
  direct: Contender;
  nginx: Contender;
  /** undefined where it is not installed. */
  caddy: Contender | undefined;
  ours: Ours;
  all: Contender[];
  request: Omit<WrkRequest, "url">;
}

export async function startForwardRows(settings: Settings): Promise<ForwardRows> {
  await using starting = new AsyncDisposableStack();
  const downstream = starting.use(await startDownstream(settings));
  const ours = await startOurs(settings, { downstreamUrl: downstream.checkedUrl });
  starting.use(ours.process);
  const rivals = new Map<string, Contender>();
  for (const name of (["nginx", "haproxy", "caddy"] as const).filter(isInstalled)) {
    const rival = await startRival(name, settings, { target: downstream.openUrl });
    starting.use(rival.process);
    rivals.set(name, rival);
  }
  const bare = await startBareForwarder(settings, downstream.openUrl);
  starting.use(bare.process);
  const direct: Contender = { name: "direct, no proxy", url: downstream.openUrl };
  const started = starting.move();
  return {
    direct,
    nginx: rivals.get("nginx")!,
    caddy: rivals.get("caddy"),
    ours,
    all: [direct, ...rivals.values(), bare, ours],
    request: await forwardRequest(ours),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** As dear as it gets without anything of ours. */
async function startBareForwarder(
  { cores, folder }: Settings,
  target: string,
): Promise<Required<Pick<Contender, "process">> & Contender> {
  const port = await freePort();
  const command = [process.execPath, join(import.meta.dirname!, "bare_forwarder.ts"), String(port), target];
  const started = await startPinned({ name: "bare", command, cores: [cores.proxy], folder, port });
  return { name: "Bun.serve and fetch alone", url: `http://127.0.0.1:${port}/mcp`, process: started };
}

/** The same bytes to everyone: an access token of ours and a call of a tool. */
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
