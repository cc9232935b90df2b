// Header fields (RFC 9110 §5) as they stand on the wire: in order, names in lower case.

/** As much of `Headers` as is needed, without a call into the runtime for each. Nothing is checked here: see request_head. */
export class FieldList {
  /** Name, value, name, value, …: a pair of its own for each is three times as many objects. */
  readonly parts: string[];

  /** @param parts taken over, not copied */
  constructor(parts: string[] = []) {
    this.parts = parts;
  }

  /** Several of one name are joined by ", " (RFC 9110 §5.3); null when there is none. `name` in lower case. */
  get(name: string): string | null {
    const { parts } = this;
    let joined: string | null = null;
    for (let i = 0; i < parts.length; i += 2) {
      if (parts[i] === name) joined = joined === null ? parts[i + 1]! : `${joined}, ${parts[i + 1]}`;
    }
    return joined;
  }

  has(name: string): boolean {
    const { parts } = this;
    for (let i = 0; i < parts.length; i += 2) if (parts[i] === name) return true;
    return false;
  }

  append(name: string, value: string): void {
    this.parts.push(name, value);
  }

  /** In place of all that have the name. */
  set(name: string, value: string): void {
    this.delete(name);
    this.parts.push(name, value);
  }

  delete(name: string): void {
    for (let i = this.parts.length - 2; i >= 0; i -= 2) {
      if (this.parts[i] === name) this.parts.splice(i, 2);
    }
  }

  /** For `fetch` and `Response`. Several of one name are joined. */
  toRecord(): Record<string, string> {
    const record: Record<string, unknown> = {};
    const { parts } = this;
    for (let i = 0; i < parts.length; i += 2) {
      const name = parts[i]!;
      const before = record[name]; // no string where every object has something of the name
      if (name === "__proto__") {
        Object.defineProperty(record, name, { value: this.get(name), enumerable: true, configurable: true });
      } else record[name] = typeof before === "string" ? `${before}, ${parts[i + 1]}` : parts[i + 1];
    }
    return record as Record<string, string>;
  }
}
