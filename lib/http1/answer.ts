// An answer as the proxy passes it on, wherever it came from: the head, and a body that is read once.
import type { FieldList } from "./field_list.ts";

/** As a stream's default reader does it. */
export interface ByteReader {
  read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
  /** Nobody needs what was read any more: its memory may be used anew at once, long before it would be collected. */
  release?(piece: Uint8Array): void;
}

/** For `release` of a reader whose pieces are nobody else's. A part of a larger buffer has neighbours, and stays. */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** A body as it comes, and not whole. */
export function isReader(body: Uint8Array | ArrayBuffer | ByteReader | null): body is ByteReader {
  return body !== null && "read" in body;
}

/** One of `reader`, `whole` and `discard` is called, once. */
export interface Answer {
  readonly status: number;
  /** Looked at before anything is read. */
  readonly fields: FieldList;
  /** null where there is no body. */
  reader(): ByteReader | null;
  /** A body of announced length. No promise where it is there already. @throws Error, now or later, when it breaks off */
  whole(): Uint8Array<ArrayBuffer> | ArrayBuffer | Promise<Uint8Array<ArrayBuffer> | ArrayBuffer>;
  /** Nobody wants the body. */
  discard(): void;
}
