// MCP over HTTP+SSE, the transport of 2024-11-05: GET opens the stream, POST to the path it names sends messages.
import { createEventStream, type EventStream } from "./event_stream.ts";
import {
  buildError,
  buildResult,
  JsonRpcError,
  type JsonRpcRequest,
  parseMessage,
  type RequestId,
} from "./json_rpc.ts";
import { answer } from "./methods.ts";

export interface LegacySse {
  open(): Response;
  receive(request: Request): Promise<Response>;
}

/** Open streams live here, by session id, until their client goes away. */
export function createLegacySse(messagesPath: string, now: () => number): LegacySse {
  const streams = new Map<string, EventStream>();
  return {
    open() {
      const stream = createEventStream();
      const sessionId = crypto.randomUUID();
      streams.set(sessionId, stream);
      stream.signal.addEventListener("abort", () => streams.delete(sessionId));
      stream.send({ event: "endpoint", data: `${messagesPath}?sessionId=${sessionId}` });
      return stream.response;
    },
    async receive(request) {
      const stream = streams.get(new URL(request.url).searchParams.get("sessionId") ?? "");
      if (!stream) return new Response("Unknown sessionId: open the stream with GET first.\n", { status: 404 });
      let id: RequestId | undefined;
      try {
        const message = parseMessage(await request.json());
        if (message.kind === "request") {
          id = message.id;
          void reply(message, stream, now);
        }
        return new Response("Accepted", { status: 202 });
      } catch (error) {
        if (error instanceof JsonRpcError) return Response.json(buildError(id, error), { status: error.status });
        if (error instanceof SyntaxError) return new Response("The body is not JSON.\n", { status: 400 });
        throw error;
      }
    },
  };
}

async function reply(message: JsonRpcRequest, stream: EventStream, now: () => number): Promise<void> {
  const send = (out: object) => stream.send({ event: "message", data: JSON.stringify(out) });
  try {
    const result = await answer(message, { era: "legacy", now, notify: send, signal: stream.signal });
    send(buildResult(message.id, result));
  } catch (error) {
    if (error instanceof JsonRpcError) send(buildError(message.id, error));
    else if (!stream.signal.aborted) throw error;
  }
}
