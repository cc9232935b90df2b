// Asks servers over plain HTTP/1.1 (RFC 9112): every request is sent once, on a connection that carries nothing else meanwhile.
import type { ConnectTcp, TcpConnection } from "../runtime/runtime.ts";
import { isReader } from "./answer.ts";
import { Http1Connection, type Watch, type WireRequest } from "./connection.ts";
import type { Http1Answer } from "./http1_answer.ts";
import { Http1Error } from "./http1_error.ts";
import { addressOf, printRequestHead, type RequestFraming, type RequestHead } from "./request_head.ts";

export interface Http1Request extends RequestHead {
  body: {
    /** null: none. */
    body: WireRequest["body"];
    /** Of a stream whose length is known. */
    contentLength?: string | undefined;
  };
}

export interface Http1ClientOptions {
  connectTcp: ConnectTcp;
  connectTimeoutMs: number;
  /** After this much quiet a kept connection is not used again. */
  reuseConnectionsWithinMs: number;
}

export interface Http1Client {
  /**
   * `http:` URLs only.
   *
   * @returns the answer once its head is there; its body ends with an error when the connection breaks or the watch says so
   * @throws Http1Error; TypeError for a request that can't be written; the reason of a cut
   */
  send(request: Http1Request, watch: Watch): Promise<Http1Answer>;
}

/** Beyond so many to one host no other is begun. */
const maxAbandoned = 64;

export function createHttp1Client(options: Http1ClientOptions): Http1Client {
  const { connectTcp, connectTimeoutMs, reuseConnectionsWithinMs } = options;
  /** Host and port -> connections that carry nothing, the longest idle first. */
  const idle = new Map<string, Http1Connection[]>();
  /** Host and port -> connections that were given up before they were there. The system goes on trying for minutes. */
  const abandoned = new Map<string, number>();
  let sweeping: ReturnType<typeof setTimeout> | undefined;

  return {
    send(request, watch) {
      const { url, body: { body } } = request;
      const framing = framingOf(request);
      const head = printRequestHead(request, framing);
      const kept = takeIdle(addressOf(url).host);
      const wire = { head, body, framing };
      return kept === undefined ? sendOnNew(url, wire, watch) : kept.send(wire, watch);
    },
  };

  async function sendOnNew(url: URL, request: WireRequest, watch: Watch): Promise<Http1Answer> {
    const { host, hostname, port } = url;
    if ((abandoned.get(host) ?? 0) >= maxAbandoned) throw noConnection();
    const connection = new Http1Connection((idleNow) => keep(host, idleNow), (closed) => forget(host, closed));
    const opened = connectTcp({ host: hostname, port: Number(port || 80) }, connection);
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error);
        abandon(host, opened);
      };
      const timer = setTimeout(() => fail(noConnection()), connectTimeoutMs);
      watch.whenCut({ cut: fail });
      opened.then((tcp) => {
        clearTimeout(timer);
        connection.opened(tcp);
        resolve();
      }, (error) => {
        clearTimeout(timer);
        reject(error);
      });
    });
    return await connection.send(request, watch);
  }

  function noConnection(): Http1Error {
    return new Http1Error(`no connection within ${connectTimeoutMs / 1000} s`);
  }

  /** Bun can't call an attempt back; each holds a file until the system gives it up. */
  function abandon(host: string, opening: Promise<TcpConnection>): void {
    abandoned.set(host, (abandoned.get(host) ?? 0) + 1);
    const ended = () => {
      const left = abandoned.get(host)! - 1;
      if (left === 0) abandoned.delete(host);
      else abandoned.set(host, left);
    };
    opening.then((tcp) => {
      tcp.destroy();
      ended();
    }, ended);
  }

  /** The one that was used last: the others get their time to end. */
  function takeIdle(host: string): Http1Connection | undefined {
    const connections = idle.get(host);
    const connection = connections?.pop();
    if (connection === undefined) return undefined;
    if (performance.now() - connection.idleSince < reuseConnectionsWithinMs) return connection;
    connection.destroy();
    for (const older of connections!.splice(0)) older.destroy();
    return undefined;
  }

  function keep(host: string, connection: Http1Connection): void {
    if (reuseConnectionsWithinMs === 0) return connection.destroy();
    connection.idleSince = performance.now();
    const connections = idle.get(host);
    if (connections === undefined) idle.set(host, [connection]);
    else connections.push(connection);
    sweeping ??= sweepLater();
  }

  function forget(host: string, connection: Http1Connection): void {
    const connections = idle.get(host);
    const index = connections?.indexOf(connection) ?? -1;
    if (index >= 0) connections!.splice(index, 1);
  }

  function sweepLater(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(sweep, reuseConnectionsWithinMs);
    timer.unref();
    return timer;
  }

  /** Ends what is idle for too long. */
  function sweep(): void {
    const oldest = performance.now() - reuseConnectionsWithinMs;
    for (const [host, connections] of idle) {
      const kept = connections.findIndex(({ idleSince }) => idleSince > oldest);
      for (const connection of connections.splice(0, kept < 0 ? connections.length : kept)) connection.destroy();
      if (connections.length === 0) idle.delete(host);
    }
    sweeping = idle.size === 0 ? undefined : sweepLater();
  }
}

/** A POST without a body says so (RFC 9110 §8.6). */
function framingOf({ method, body: { body, contentLength } }: Http1Request): RequestFraming {
  if (body === null) return bodiless.has(method) ? "none" : 0;
  if (!isReader(body)) return body.byteLength;
  return contentLength === undefined ? "chunked" : Number(contentLength);
}

const bodiless = new Set(["GET", "DELETE", "OPTIONS"]);
