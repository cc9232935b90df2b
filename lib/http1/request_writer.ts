// Sends a request's bytes, never faster than the system takes them.
import type { TcpConnection } from "../runtime/runtime.ts";
import type { ByteReader } from "./answer.ts";
import { Http1Error } from "./http1_error.ts";
import type { RequestFraming } from "./request_head.ts";

/** A head and a small body leave in one piece: both are put together here, because nobody else writes in between. */
const scratch = Buffer.allocUnsafe(131_072);

export class RequestWriter {
  readonly #tcp: TcpConnection;
  /** What the system has not taken yet. */
  readonly #unsent: Uint8Array[] = [];
  #drained: (() => void) | undefined;

  constructor(tcp: TcpConnection) {
    this.#tcp = tcp;
  }

  get isDone(): boolean {
    return this.#unsent.length === 0;
  }

  /** @param head a character for each byte */
  send(head: string, body: Uint8Array | ArrayBuffer | null): void {
    const bytes = body === null || body instanceof Uint8Array ? body : new Uint8Array(body);
    const size = head.length + (bytes?.length ?? 0);
    if (size > scratch.length) {
      this.#write(Buffer.from(head, "latin1"), head.length);
      if (bytes !== null) this.#write(bytes, bytes.length);
      return;
    }
    scratch.write(head, 0, "latin1");
    if (bytes !== null) scratch.set(bytes, head.length);
    this.#write(scratch, size);
  }

  /**
   * The body as it comes: in chunks (RFC 9112 §7.1), or as many bytes as announced.
   *
   * @throws what the body throws; Http1Error when it is not as long as announced
   */
  async stream(reader: ByteReader, framing: RequestFraming): Promise<void> {
    let remaining = typeof framing === "number" ? framing : Infinity;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length === 0) continue;
      remaining -= value.length;
      if (remaining < 0) throw new Http1Error("request_longer_than_announced");
      if (framing === "chunked") this.#writeText(`${value.length.toString(16)}\r\n`);
      this.#write(value, value.length);
      if (framing === "chunked") this.#writeText("\r\n");
      if (!this.isDone) await new Promise<void>((resolve) => this.#drained = resolve);
      reader.release?.(value);
    }
    if (framing === "chunked") this.#writeText("0\r\n\r\n");
    else if (remaining > 0 && remaining < Infinity) throw new Http1Error("request_shorter_than_announced");
  }

  /** The system takes more. */
  drain(): void {
    while (this.#unsent.length > 0) {
      const [next] = this.#unsent as [Uint8Array];
      const written = this.#tcp.write(next, next.length);
      if (written < next.length) {
        if (written > 0) this.#unsent[0] = next.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
    this.wake();
  }

  /** Also when the connection is gone: who waits for room is let go. */
  wake(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  #writeText(text: string): void {
    this.#write(Buffer.from(text, "latin1"), text.length);
  }

  #write(bytes: Uint8Array, length: number): void {
    const written = this.#unsent.length > 0 ? 0 : Math.max(0, this.#tcp.write(bytes, length));
    if (written === length) return;
    const rest = bytes.subarray(written, length);
    this.#unsent.push(bytes === scratch ? rest.slice() : rest);
  }
}
