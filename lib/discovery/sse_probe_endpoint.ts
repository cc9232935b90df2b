// GET /.well-known/mcp-oauth-proxy/sse-probe: a stream about nothing, so that doctor can see from outside, without a token, what
// the edge does to streams. It says the time and no more; how many there are at once, and how long each lasts, is bounded.
import type { Deps } from "../deps.ts";
import type { Connection } from "../runtime/runtime.ts";

const maxStreams = 20;
const maxSeconds = 150;

/**
 * Comments at once and then every `every` seconds (1; 0 = none) for `seconds` (3, at most 150), and `: end` as the last one. The
 * headers are those of an MCP stream, as far as an edge might remove them.
 */
export function sseProbeEndpoint({ now }: Pick<Deps, "now">): (request: Request, connection: Connection) => Response {
  let open = 0;
  return (request, connection) => {
    if (open >= maxStreams) {
      return new Response("too many probes; try again later\n", { status: 503, headers: { "retry-after": "10" } });
    }
    const { searchParams } = new URL(request.url);
    const seconds = whole(searchParams.get("seconds"), 3, maxSeconds);
    const every = whole(searchParams.get("every"), 1, maxSeconds);
    open += 1;
    connection.keepOpen();
    return new Response(commentStream({ seconds, every, now, onEnd: () => open -= 1 }), {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
        "mcp-session-id": "probe",
        "mcp-protocol-version": "2025-11-25",
      },
    });
  };
}

function commentStream({ seconds, every, now, onEnd }: {
  seconds: number;
  every: number;
  now: () => number;
  onEnd: () => void;
}): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timers: ReturnType<typeof setTimeout>[] = [];
  const stop = () => {
    if (timers.length === 0) return;
    timers.forEach(clearTimeout);
    timers = [];
    onEnd();
  };
  return new ReadableStream({
    start(controller) {
      const say = (text: string) => controller.enqueue(encoder.encode(`: ${text}\n\n`));
      say(`time ${now()}`);
      for (let at = every; every > 0 && at < seconds; at += every) {
        timers.push(setTimeout(() => say(`${at} s`), at * 1000));
      }
      timers.push(setTimeout(() => {
        say("end");
        controller.close();
        stop();
      }, seconds * 1000));
    },
    cancel: stop,
  });
}

function whole(text: string | null, otherwise: number, max: number): number {
  return text !== null && /^\d{1,3}$/.test(text) ? Math.min(Number(text), max) : otherwise;
}
