import { createServer } from "node:net";

/**
 * Below the ports that Linux, macOS and Windows choose themselves: what a test listens on in the moment before the port is used
 * (`listen(0)`), or connects from, is none of these.
 */
const lowest = 10_000;
const blockSize = 500;
const blocksOfSuite = 14;
const suite = process.env.MCP_OAUTH_PROXY_BIN ? 2 : "Deno" in globalThis ? 1 : 0;
/** Suites run beside each other: each has ports of its own, and each process some of them. */
const firstOfBlock = lowest + (suite * blocksOfSuite + process.pid % blocksOfSuite) * blockSize;
let next = Math.floor(Math.random() * blockSize);

/** A loopback port that was free a moment ago, and that nobody else was given in the meantime. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < blockSize; tried += 1) {
    const port = firstOfBlock + next;
    next = (next + 1) % blockSize;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${firstOfBlock} to ${firstOfBlock + blockSize - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.on("error", () => settle(false));
    server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  });
}
