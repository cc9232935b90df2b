// A downstream that answers everything with one JSON-RPC result and remembers the head of every request.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface RecordingDownstream {
  url: string;
  requests: { method: string; url: string; headers: IncomingHttpHeaders }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param status what it answers; a function sees the request's headers */
export async function recordingDownstream(
  status: (headers: IncomingHttpHeaders) => number = () => 200,
): Promise<RecordingDownstream> {
  const requests: RecordingDownstream["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method!, url: request.url!, headers: request.headers });
    request.resume().on("end", () => {
      response.writeHead(status(request.headers), { "content-type": "application/json" });
      response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
}
