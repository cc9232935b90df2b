// Our HTTP/1.1 client with a network that the test plays.
import type { Cuttable } from "../../lib/http1/connection.ts";
import { createHttp1Client, type Http1Client, type Http1Request } from "../../lib/http1/client.ts";
import { FieldList } from "../../lib/http1/field_list.ts";
import type { Http1Answer } from "../../lib/http1/http1_answer.ts";
import { createFakeTcp, type FakeConnection } from "./fake_tcp.ts";

export const url = new URL("http://mcp.internal:8080/mcp");
export const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

export interface Rig {
  client: Http1Client;
  opened: FakeConnection[];
  /** Sends, answers with `text` on the connection that carried it, and gives the answer. */
  exchange(text?: string, request?: Sent): Promise<Http1Answer>;
  /** Sends; `cut` ends it from outside. */
  start(request?: Sent): Promise<Started>;
  hold: ReturnType<typeof createFakeTcp>["hold"];
}

export type Sent = Partial<Omit<Http1Request, "body"> & Http1Request["body"]>;

export interface Started {
  answer: Promise<Http1Answer>;
  cut(reason: Error): void;
  connection: FakeConnection;
}

export function rig(options: { connectTimeoutMs?: number; reuseConnectionsWithinMs?: number } = {}): Rig {
  const tcp = createFakeTcp();
  const client = createHttp1Client({
    connectTcp: tcp.connectTcp,
    connectTimeoutMs: 10_000,
    reuseConnectionsWithinMs: 60_000,
    ...options,
  });
  async function start(request: Sent = {}): Promise<Started> {
    const { body = new TextEncoder().encode("{}"), contentLength, ...rest } = request;
    let told: Cuttable | undefined;
    const before = tcp.opened.map(({ written }) => written);
    const answer = client.send(
      { url, method: "POST", fields: new FieldList(["x-a", "1"]), ...rest, body: { body, contentLength } },
      { whenCut: (cuttable) => void (told = cuttable) },
    );
    answer.catch(() => {}); // for whoever looks at it later
    await turns();
    const connection = tcp.opened.find(({ written }, index) => written !== before[index]) ?? tcp.opened.at(-1)!;
    return { answer, connection, cut: (reason) => told!.cut(reason) };
  }
  return {
    client,
    opened: tcp.opened,
    hold: tcp.hold,
    start,
    async exchange(text = ok, request = {}) {
      const { answer, connection } = await start(request);
      connection.send(text);
      return await answer;
    },
  };
}

/** Everything that waits for nothing but promises has happened. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function read(answer: Http1Answer): Promise<string> {
  let text = "";
  const reader = answer.reader();
  if (reader === null) return text;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += Buffer.from(value).toString("latin1");
  }
}

export function stream(...pieces: string[]): ReadableStreamDefaultReader<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  }).getReader();
}
