// What fits into a store, the same for every kind of store.

/** The entry is larger than any store takes; nothing was written. */
export class StoreEntryTooLargeError extends Error {
  override readonly name = "StoreEntryTooLargeError";
}

const maxKeyCharacters = 200;
const maxValueBytes = 64 * 1024;

/** @throws StoreEntryTooLargeError which tells the sizes, never the entry */
export function checkEntry(key: string, value: string): void {
  if (key.length > maxKeyCharacters) {
    throw new StoreEntryTooLargeError(`a key of ${key.length} characters: at most ${maxKeyCharacters} are stored`);
  }
  if (value.length <= maxValueBytes / 3) return; // a UTF-16 unit is at most 3 bytes of UTF-8
  const bytes = Buffer.byteLength(value);
  if (bytes > maxValueBytes) {
    throw new StoreEntryTooLargeError(`a value of ${bytes} bytes: at most ${maxValueBytes} are stored`);
  }
}
