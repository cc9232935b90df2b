/** The store could not be asked. Callers go on with what this process knows. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
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
  close(): Promise<void>;
}
