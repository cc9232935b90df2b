// TCP as Bun has it: a callback for what arrives, without a stream or a promise for each piece.
import type { ConnectTcp, TcpConnection, TcpHandlers } from "./runtime.ts";

/** As much of Bun as is used. */
declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    data: TcpHandlers;
    socket: {
      binaryType: "buffer";
      data(socket: BunSocket, chunk: Buffer): void;
      drain(socket: BunSocket): void;
      close(socket: BunSocket, error?: { code?: string }): void;
    };
  }): Promise<BunSocket>;
};

interface BunSocket {
  readonly data: TcpHandlers;
  write(bytes: Uint8Array, offset: number, length: number): number;
  pause(): void;
  resume(): void;
  terminate(): void;
  unref(): void;
  setNoDelay(noDelay: boolean): boolean;
}

const callbacks = {
  binaryType: "buffer",
  data: ({ data }: BunSocket, chunk: Buffer) => data.data(chunk),
  drain: ({ data }: BunSocket) => data.drain(),
  close: ({ data }: BunSocket, error?: { code?: string }) => data.closed(error?.code),
} as const;

export const connectTcpOnBun: ConnectTcp = async ({ host, port }, handlers) => {
  const socket = await Bun.connect({ hostname: host, port, data: handlers, socket: callbacks });
  socket.setNoDelay(true);
  socket.unref();
  return new BunTcpConnection(socket);
};

class BunTcpConnection implements TcpConnection {
  readonly #socket: BunSocket;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array, length: number): number {
    return this.#socket.write(bytes, 0, length);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.terminate();
  }
}
