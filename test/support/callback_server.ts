// Where a client on the user's computer waits for its answer.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface CallbackServer {
  /** `http://127.0.0.1:PORT/callback` */
  redirectUri: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startCallbackServer(): Promise<CallbackServer> {
  const server = createServer((_request, response) => response.end("the client has its answer"));
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
}
