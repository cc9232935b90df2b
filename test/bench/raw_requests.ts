// A client that sends every request once, over kept connections, and looks at every answer.
import { connect, type Socket } from "node:net";

export interface RawOutcome {
  answered: number;
  /** Answers that `isRight` refused, and requests without an answer. */
  wrong: number;
  seconds: number;
}

export interface RawAnswer {
  status: number;
  body: string;
}

/** @param requests complete HTTP/1.1 messages; the answers have to have a content-length */
export async function sendAll(
  requests: readonly string[],
  { url, connections, isRight }: { url: string; connections: number; isRight: (answer: RawAnswer) => boolean },
): Promise<RawOutcome> {
  const { hostname, port } = new URL(url);
  const started = performance.now();
  let next = 0;
  let answered = 0;
  let right = 0;

  /** Sends one request after the other, until there are none left or the connection breaks. */
  function drive(): Promise<void> {
    return new Promise((settle) => {
      const socket: Socket = connect(Number(port), hostname);
      let received = "";
      const sendNext = () => next < requests.length ? void socket.write(requests[next++]!, "latin1") : socket.end();
      socket.setEncoding("latin1").setNoDelay(true);
      socket.on("connect", sendNext);
      socket.on("data", (chunk: string) => {
        received += chunk;
        const answer = parseAnswer(received);
        if (answer === undefined) return;
        received = "";
        answered++;
        if (isRight(answer)) right++;
        sendNext();
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => settle());
    });
  }

  await Promise.all(Array.from({ length: connections }, drive));
  return { answered, wrong: requests.length - right, seconds: (performance.now() - started) / 1000 };
}

/** @param message header lines after the request line, without Host and Content-Length */
export function rawRequest(
  method: string,
  url: string,
  { headers, body = "" }: { headers: Record<string, string>; body?: string },
): string {
  const { host, pathname, search } = new URL(url);
  const length: Record<string, string> = method === "GET" ? {} : { "Content-Length": String(body.length) };
  const lines = Object.entries({ Host: host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** undefined until all of it has come. */
function parseAnswer(received: string): RawAnswer | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received.slice(0, headEnd))?.[1] ?? 0);
  const body = received.slice(headEnd + 4);
  return body.length < length ? undefined : { status: Number(received.slice(9, 12)), body };
}
