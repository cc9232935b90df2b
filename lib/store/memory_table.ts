// What the process remembers by itself: bounded in entries and bytes, constant cost per call.

export interface MemoryTableOptions {
  now: () => number;
  /** Beyond this many entries of one kind the oldest of that kind go. */
  maxEntries?: number;
  /** Beyond this many characters, keys and values of one kind together, likewise. */
  maxCharacters?: number;
  /** An entry that was still good had to go: which kind is full. */
  onFull?: (kind: string) => void;
}

/**
 * The kind of an entry is what stands before the colon of its key. Each kind has its own bounds, so that a flood of one
 * (sign-ins that strangers start) pushes nothing of another (spent codes) out.
 */
export interface MemoryTable {
  get(key: string): string | undefined;
  set(key: string, value: string, expiresAt: number): void;
  delete(key: string): void;
}

interface Entry {
  value: string;
  expiresAt: number;
}

const defaultMaxEntries = 60_000;
/**
 * What must not be forgotten: with an old revocation gone, a stolen token works again. Whoever may sign in can make such entries,
 * so they get room for more than anybody makes soon: 250,000 took 63 MB of resident memory on Bun 1.4.5.
 */
const maxFacts: Record<string, number> = { "revoked:": 250_000, "spent:": 250_000 };

/** How many entries each write looks at for expired ones: all have been seen after a quarter as many writes as there are entries. */
const lookedAtPerWrite = 4;

/** A bounded table of expiring strings for one process. */
export function createMemoryTable(options: MemoryTableOptions): MemoryTable & {
  /** Those of one kind, by what stands behind the colon. */
  ofKind(kind: string): MemoryTable;
} {
  const kinds = new Map<string, MemoryTable>();

  const tableOf = (key: string) => tableOfKind(key.slice(0, key.indexOf(":") + 1));

  function tableOfKind(kind: string): MemoryTable {
    let table = kinds.get(kind);
    if (table === undefined) {
      table = createTableOfOneKind({
        ...options,
        maxEntries: options.maxEntries ?? maxFacts[kind] ?? defaultMaxEntries,
        onFull: () => options.onFull?.(kind.slice(0, -1)),
      });
      kinds.set(kind, table);
    }
    return table;
  }

  return {
    get: (key) => tableOf(key).get(key),
    set: (key, value, expiresAt) => tableOf(key).set(key, value, expiresAt),
    delete: (key) => tableOf(key).delete(key),
    ofKind: (kind) => tableOfKind(`${kind}:`),
  };
}

function createTableOfOneKind(
  { now, maxEntries, maxCharacters = 64 * 1024 * 1024, onFull }: MemoryTableOptions & {
    maxEntries: number;
    onFull: () => void;
  },
): MemoryTable {
  const entries = new Map<string, Entry>();
  let characters = 0;
  // Two iterators that live as long as the table: a fresh one would walk over the holes of what was deleted, each time.
  let eldest = entries.keys();
  let looked = entries.entries();

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    characters -= key.length + entry.value.length;
  }

  function removeEldest(): void {
    const next = eldest.next();
    if (next.done) eldest = entries.keys();
    else {
      if (entries.get(next.value)!.expiresAt > now()) onFull();
      remove(next.value);
    }
  }

  function collectExpired(): void {
    for (let i = 0; i < lookedAtPerWrite; i++) {
      const next = looked.next();
      if (next.done) looked = entries.entries();
      else if (next.value[1].expiresAt <= now()) remove(next.value[0]);
    }
  }

  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && entry.expiresAt > now() ? entry.value : undefined;
    },
    set(key, value, expiresAt) {
      remove(key);
      collectExpired();
      entries.set(key, { value, expiresAt });
      characters += key.length + value.length;
      while (entries.size > maxEntries || (characters > maxCharacters && entries.size > 1)) removeEldest();
    },
    delete: remove,
  };
}
