// What the program asks of the JavaScript runtime beyond web standards and node: APIs. Only this folder knows Bun from Deno.
import { readFileSync } from "node:fs";
import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";

/** The connection that a request came on. */
export interface Connection {
  /** IP address of the peer, without a port; a reverse proxy's when there is one in front. */
  readonly remoteAddress: string;
  /** No idle limit for this exchange from now on: for streams and for answers that may take minutes. */
  keepOpen(): void;
}

export interface ServeOptions {
  host: string;
  /** 0 = any free port. */
  port: number;
  /** Seconds without a byte until a connection is cut, unless `keepOpen`; 60 when absent, 255 at most. Deno has no such limit. */
  idleTimeoutSeconds?: number;
  /** Other processes of this user may listen on the same port; Linux divides new connections among them. */
  sharesPort?: boolean;
  fetch: (request: Request, connection: Connection) => Response | Promise<Response>;
}

export interface Listener {
  readonly port: number;
  /** Settles when no exchange is running, streams included; it goes on listening. */
  idle(): Promise<void>;
  /** Accepts nothing new, lets running exchanges finish for `graceSeconds`, then cuts them. On Deno those left end with the process. */
  stop(graceSeconds: number): Promise<void>;
}

/** Where a body comes from, piece by piece. */
export interface Pieces {
  /** undefined at the end. A rejection breaks the body off. */
  next(): Promise<Uint8Array | undefined>;
  /** The client's side has its own copy of the piece. Not called where the runtime does not say so. */
  written(piece: Uint8Array): void;
  /** The client is gone. Not called where its leaving is only seen by its request's signal. */
  cancel(reason: unknown): void;
}

/** An open TCP connection. */
export interface TcpConnection {
  /** @returns how many of the first `length` bytes the system took; less than 0 when the connection is gone. Then wait for `drain` or `closed` */
  write(bytes: Uint8Array, length: number): number;
  /** From now on nothing is read, but for what the system has handed over already. */
  pause(): void;
  resume(): void;
  /** At once; `closed` is still called. */
  destroy(): void;
}

export interface TcpHandlers {
  /** @param chunk the receiver's to keep */
  data(chunk: Buffer): void;
  /** The system takes bytes again. */
  drain(): void;
  /** @param code the system's; undefined for a clean end */
  closed(code: string | undefined): void;
}

/** @throws Error with the system's `code`: `ECONNREFUSED`, `ENOTFOUND`, … */
export type ConnectTcp = (to: { host: string; port: number }, handlers: TcpHandlers) => Promise<TcpConnection>;

export interface Runtime {
  readonly name: "bun" | "deno";
  /** Listens at once; throws what the system says (`EADDRINUSE`, `EACCES`) when it can't. */
  serve(options: ServeOptions): Listener;
  /**
   * Lifts the runtime's cap on concurrent outgoing requests, which can only be set before it starts: the process replaces
   * itself once by the same program with the same arguments and pid. Call it first thing in a long-running command.
   *
   * @returns false where a cap stays and streams beyond about 250 would block every request
   */
  raiseOutgoingLimit(): boolean;
  /**
   * Program and arguments that start this very program again, with arguments of its own instead of ours.
   *
   * @throws Error where it would get other permissions than this process has
   */
  ownCommand(args: readonly string[]): string[];
  /** The body of a response: a piece is asked for when the one before is on its way. */
  bodyOf(pieces: Pieces): ReadableStream<Uint8Array>;
  /** Absent where `fetch` is no slower. Such a connection does not keep the process alive. */
  readonly connectTcp?: ConnectTcp;
  /** Options for a fetch that hands answers on as they came and waits as long as its signal lets it. */
  readonly outgoingFetchOptions: RequestInit;
  /** Options for a fetch on a connection of its own, so that a kept one that died neither fails it nor has it sent twice. */
  readonly singleUseConnection: RequestInit;
  /** True where fetch sends a POST a second time when the connection breaks before the answer, unless its body is a stream. */
  readonly resendsBodies: boolean;
}

export type SignalName = "SIGTERM" | "SIGINT" | "SIGHUP";

export function currentRuntime(): Runtime {
  return "Bun" in globalThis ? bunRuntime : denoRuntime;
}

/** Calls `handler` each time the process gets `signal`, which then no longer ends it. */
export function onSignal(signal: SignalName, handler: () => void): void {
  process.on(signal, handler);
}

/** How many streams fit under the limit of open files (two each, and some for everything else); undefined where the system does not say. */
export function streamsAllowedByFileLimit(): number | undefined {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined; // not Linux, or Deno without permission to read it
  }
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Math.max(0, Math.floor((Number(soft) - 100) / 2));
}
