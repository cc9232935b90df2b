// The network between a client and the proxy. Some answers never arrive, though the proxy sent them; some clients hang up while
// the proxy is still at work.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface LossyRelay {
  url: string;
  /** Answers that had left the proxy and were thrown away. */
  lostAnswers: number;
  /** Connections that were cut before an answer. */
  hungUp: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One exchange per connection: its clients say `Connection: close`. Shares are 0 to 1. */
export async function startLossyRelay(
  port: number,
  shares: { lostAnswers: number; hungUp: number },
): Promise<LossyRelay> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port, host: "127.0.0.1" });
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", cut).on("close", () => open.delete(socket));
    }
    near.on("close", cut);
    far.on("close", () => near.end());
    const fate = Math.random();
    near.on("data", (chunk) => far.write(chunk));
    if (fate < shares.hungUp) {
      setTimeout(() => {
        relay.hungUp++;
        cut();
      }, Math.random() * 20);
      return;
    }
    far.on("data", (chunk) => {
      if (fate < shares.hungUp + shares.lostAnswers) {
        relay.lostAnswers++;
        cut();
      } else near.write(chunk);
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const relay: LossyRelay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lostAnswers: 0,
    hungUp: 0,
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        open.forEach((socket) => socket.destroy());
        server.close(() => settle());
      }),
  };
  return relay;
}
