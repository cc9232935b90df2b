// Thousands of open event streams through each of: nobody, nginx, ours without and with keepalive comments.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Contender } from "./contender.ts";
import { startOurs } from "./ours.ts";
import { type Peer, startPeer } from "./peer_process.ts";
import { residentMiB } from "./process_usage.ts";
import { startRival } from "./rivals.ts";
import type { Settings } from "./section.ts";
import type { StreamCommands } from "./stream_peer.ts";

export interface StreamRow {
  contender: Contender;
  peer: Peer<StreamCommands>;
  /** KiB of the proxy's memory by stream, some seconds after all were open; 0 where there is no proxy. */
  kibPerStream(): number;
  openedInSeconds: number;
}

const wantedStreams = 9_500;
const restMs = 5_000;

/** A proxy has two files open by stream; so has the peer, which holds both ends. */
export function streamsAllowed(): { streams: number; fileLimit: number } {
  const limit = /^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const fileLimit = Number(limit ?? 1024);
  return { streams: Math.min(wantedStreams, Math.floor((fileLimit - 1000) / 2)), fileLimit };
}

export function startStreamRows(
  settings: Settings,
  stack: AsyncDisposableStack,
): Promise<Record<"direct" | "nginx" | "quiet" | "kept", StreamRow>> {
  const ours = (name: string, server: string) => async (port: number) => {
    const proxy = await startOurs(settings, { name, server, downstreamUrl: `http://127.0.0.1:${port}/checked` });
    return { contender: proxy, token: proxy.token };
  };
  const token = () => Promise.resolve("x".repeat(400));
  const starters = {
    direct: (port: number) => ({
      contender: { name: "direct, no proxy", url: `http://127.0.0.1:${port}/open` },
      token,
    }),
    nginx: async (port: number) => {
      return { contender: await startRival("nginx", settings, { target: `http://127.0.0.1:${port}/open` }), token };
    },
    quiet: ours("mcp-oauth-proxy, sse_keepalive = 0", "sse_keepalive = 0"),
    kept: ours("mcp-oauth-proxy, sse_keepalive = 20", "sse_keepalive = 20"),
  };
  return openAll(starters, { settings, stack });
}

type Starter = (port: number) => Promise<Proxy> | Proxy;

interface Proxy {
  contender: Contender;
  /** For one reader. */
  token: () => Promise<string>;
}

async function openAll<K extends string>(
  starters: Record<K, Starter>,
  { settings, stack }: { settings: Settings; stack: AsyncDisposableStack },
): Promise<Record<K, StreamRow>> {
  const rows: Partial<Record<K, StreamRow>> = {};
  for (const [name, start] of Object.entries<Starter>(starters) as [K, Starter][]) {
    const peer = stack.use(startPeer<StreamCommands>(resolve(import.meta.dirname!, "stream_peer.ts")));
    const { contender, token } = await start(await peer.ask("listen", undefined));
    if (contender.process !== undefined) stack.use(contender.process);
    rows[name] = await openRow({ contender, token }, peer, settings);
  }
  return rows as Record<K, StreamRow>;
}

async function openRow(
  { contender, token }: Proxy,
  peer: Peer<StreamCommands>,
  settings: Settings,
): Promise<StreamRow> {
  const { streams } = streamsAllowed();
  const tokens = await Promise.all(Array.from({ length: streams }, token));
  const resident = () => contender.process === undefined ? 0 : residentMiB(contender.process.pid);
  const before = resident();
  settings.say(`${contender.name}: opening ${streams} streams`);
  const openedInSeconds = await peer.ask("open", { url: contender.url, tokens });
  await new Promise((settle) => setTimeout(settle, restMs));
  return { contender, peer, openedInSeconds, kibPerStream: () => (resident() - before) / streams * 1024 };
}
