// 100 MB up and down, at full speed and to a peer that takes 20 MB a second: memory, identity, throughput.
import { resolve } from "node:path";
import type { BodyCommands, Transfer } from "../body_peer.ts";
import type { Contender } from "../contender.ts";
import { startOurs } from "../ours.ts";
import { startPeer } from "../peer_process.ts";
import { forgetPeak, peakMiB, residentMiB } from "../process_usage.ts";
import { startRival } from "../rivals.ts";
import { interleave } from "../rounds.ts";
import type { Aim, Section } from "../section.ts";
import { medianOf, printSpread, ratios, spreadOf } from "../statistics.ts";

const bytes = 100_000_000;
const slowRate = 20_000_000;

type Kind = Pick<Transfer, "direction" | "receiverRate"> & { name: string };

const kinds: Kind[] = [
  { name: "down", direction: "down" },
  { name: "up", direction: "up" },
  { name: "down to a reader of 20 MB/s", direction: "down", receiverRate: slowRate },
  { name: "up to a downstream of 20 MB/s", direction: "up", receiverRate: slowRate },
];

interface Sample {
  megabytesPerSecond: number;
  /** MiB above the memory just before. */
  growth: number;
  isIdentical: boolean;
}

export const bodies: Section = {
  id: "bodies",
  title: "100 MB bodies",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const peer = stack.use(startPeer<BodyCommands>(resolve(import.meta.dirname!, "../body_peer.ts")));
    const origin = `http://127.0.0.1:${await peer.ask("listen", undefined)}`;
    const ours = await startOurs(settings, { downstreamUrl: `${origin}/mcp`, server: `body_limit = ${bytes}` });
    stack.use(ours.process);
    const nginx = await startRival("nginx", settings, {
      target: `${origin}/mcp`,
      nginxLocation: "proxy_buffer_size 64k; proxy_buffers 8 64k;",
    });
    stack.use(nginx.process);
    const direct: Contender = { name: "direct, no proxy", url: `${origin}/mcp` };
    const token = await ours.token();
    const rows = [direct, nginx, ours].flatMap((contender) => kinds.map((kind) => ({ contender, kind })));

    const measure = async ({ contender, kind }: typeof rows[number]): Promise<Sample> => {
      const { process } = contender;
      if (process !== undefined) forgetPeak(process.pid);
      const before = process === undefined ? 0 : residentMiB(process.pid);
      const transfer: Transfer = { url: contender.url, token, bytes, ...kind };
      const { seconds, isIdentical } = await peer.ask("transfer", transfer);
      const growth = process === undefined ? 0 : Math.max(0, peakMiB(process.pid) - before);
      return { megabytesPerSecond: bytes / 1e6 / seconds, growth, isIdentical };
    };
    const samples = await interleave(rows, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${row.kind.name}, ${row.contender.name}`);
      return measure(row);
    });
    const of = (contender: Contender, kind: Kind) =>
      samples.get(rows.find((row) => row.contender === contender && row.kind === kind)!)!;
    const speed = (contender: Contender, kind: Kind) => of(contender, kind).map((sample) => sample.megabytesPerSecond);
    const growth = (contender: Contender, kind: Kind) => of(contender, kind).map((sample) => sample.growth);
    const wrong = [...samples.values()].flat().filter(({ isIdentical }) => !isIdentical).length;
    return {
      tables: [{
        head: ["transfer", "row", "MB/s", "× nginx", "memory growth MiB", "not identical"],
        rows: kinds.flatMap((kind) =>
          [direct, nginx, ours].map((contender) => [
            kind.name,
            contender.name,
            printSpread(spreadOf(speed(contender, kind)), 0),
            printSpread(spreadOf(ratios(speed(contender, kind), speed(nginx, kind))), 2),
            contender === direct ? "" : printSpread(spreadOf(growth(contender, kind)), 1),
            String(of(contender, kind).filter(({ isIdentical }) => !isIdentical).length),
          ])
        ),
      }],
      aims: [
        ...kinds.map((kind): Aim => ({
          what: `memory growth, ${kind.name}, most of all rounds`,
          limit: 16,
          measured: spreadOf(growth(ours, kind)).highest,
          is: "at most",
          unit: "MiB",
          digits: 1,
        })),
        ...kinds.slice(0, 2).map((kind): Aim => ({
          what: `throughput, ${kind.name}`,
          limit: 1,
          measured: medianOf(ratios(speed(ours, kind), speed(nginx, kind))),
          is: "at least",
          unit: "× nginx",
        })),
      ],
      notes: [
        `${settings.rounds} rounds in turn, one transfer at a time, every byte compared with what was sent (a difference ` +
        "counts as a wrong answer). Memory growth is the peak (VmHWM) above what was resident just before; the first " +
        "round's is that of a process that has carried nothing yet.",
      ],
      wrongAnswers: wrong,
    };
  },
};
