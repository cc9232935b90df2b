// TCP without a network: a test plays the server, byte by byte.
import type { ConnectTcp, TcpHandlers } from "../../lib/runtime/runtime.ts";

export interface FakeConnection {
  host: string;
  port: number;
  /** What the client has written, a character for each byte. */
  written: string;
  isPaused: boolean;
  isDestroyed: boolean;
  /** So many bytes are taken, until `takeMore`. */
  room: number;
  /** From the server. */
  send(text: string): void;
  /** The server ends the connection: cleanly, or with the system's code. */
  end(code?: string): void;
  /** The system takes bytes again. */
  takeMore(bytes: number): void;
}

export interface FakeTcp {
  connectTcp: ConnectTcp;
  /** In the order in which they were opened. */
  opened: FakeConnection[];
  /** From now on a new connection waits until it is accepted or refused. */
  hold(): { accept(): void; refuse(code: string): void };
}

export function createFakeTcp(): FakeTcp {
  const opened: FakeConnection[] = [];
  let gate: PromiseWithResolvers<void> | undefined;

  return {
    opened,
    hold() {
      const held = gate = Promise.withResolvers<void>();
      return {
        accept: () => held.resolve(),
        refuse: (code) => held.reject(Object.assign(new Error("not connected"), { code })),
      };
    },
    async connectTcp(to, handlers) {
      await gate?.promise;
      const connection = createConnection(to, handlers);
      opened.push(connection);
      return {
        write(bytes, length) {
          if (connection.isDestroyed) return -1;
          const taken = Math.min(length, connection.room);
          connection.room -= taken;
          connection.written += Buffer.from(bytes.subarray(0, taken)).toString("latin1");
          return taken;
        },
        pause: () => void (connection.isPaused = true),
        resume: () => void (connection.isPaused = false),
        destroy: () => connection.end(),
      };
    },
  };
}

function createConnection(to: { host: string; port: number }, handlers: TcpHandlers): FakeConnection {
  const connection: FakeConnection = {
    ...to,
    written: "",
    isPaused: false,
    isDestroyed: false,
    room: Infinity,
    send: (text) => {
      if (!connection.isDestroyed) handlers.data(Buffer.from(text, "latin1"));
    },
    end(code) {
      if (connection.isDestroyed) return;
      connection.isDestroyed = true;
      handlers.closed(code);
    },
    takeMore(bytes) {
      connection.room = bytes;
      handlers.drain();
    },
  };
  return connection;
}
