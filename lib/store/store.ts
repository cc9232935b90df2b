/** The store could not be asked. Callers go on with what this process knows. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** A bucket that is full at first and fills up again. */
export interface SharedBucket {
  /** How many it holds. */
  size: number;
  /** Milliseconds in which one more comes. */
  intervalMs: number;
}

/**
 * Remembers spent ids, revocations and the sealed answers of recent refreshes; never a credential in clear.
 * Keys are ours (`code:…`, `spent:…`, `revoked:…`), at most 200 characters; values at most 64 KiB; moments are seconds since the epoch.
 * Every method may throw StoreUnavailableError, and the two that write StoreEntryTooLargeError.
 */
export interface Store {
  /** True while what is written outlives this process: `sqlite:` and `redis:`, as long as they answer. */
  readonly durable?: boolean;
  /** Writes `value` under `key` unless something unexpired is there. Returns what was there, undefined when the write happened. Atomic across all users of the store. */
  putIfAbsent(key: string, value: string, expiresAt: number): Promise<string | undefined>;
  /** Writes `value` under `key`, whatever was there. */
  put(key: string, value: string, expiresAt: number): Promise<void>;
  get(key: string): Promise<string | undefined>;
  delete(key: string): Promise<void>;
  /**
   * Draws one from the bucket `key` that all users of the store share. Atomic; a refused draw changes nothing.
   * Absent where the store is this process's own, which then keeps its buckets itself.
   *
   * @returns milliseconds until the next one is there, 0 when one was drawn; undefined when the store can't say
   */
  draw?(key: string, bucket: SharedBucket): Promise<number | undefined>;
  close(): Promise<void>;
}
