// The conformance suite cannot send a token: this stands between it and the proxy and adds one. Everything else passes untouched, a
// foreign Host and Origin too; only its own Host becomes the proxy's. Runs under Node 22 (`forwarder.ts URL TOKEN`), prints its URL.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

const target = new URL(process.argv[2]!);
const token = process.argv[3]!;

const listener = createServer((incoming, response) => {
  const ownHost = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const host = incoming.headers.host === ownHost ? target.host : incoming.headers.host;
  const headers = { ...incoming.headers, host, authorization: `Bearer ${token}` };
  const outgoing = request(target, { method: incoming.method, headers }, (answer) => {
    response.writeHead(answer.statusCode!, answer.rawHeaders);
    response.flushHeaders();
    // An early end on either side ends the other; the suite aborts its streams on purpose, so that is no error here.
    pipeline(answer, response, () => {});
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  incoming.pipe(outgoing);
});
listener.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(listener.address() as AddressInfo).port}${target.pathname}`);
});
