// Secrets of the configuration: read from where they are, and never printed by accident.

/** A value that prints as `[secret]` wherever it is logged, interpolated or serialised; `reveal()` is the only way in. */
export interface Secret {
  reveal(): string;
  toString(): "[secret]";
  toJSON(): "[secret]";
}

/** Wraps a value so that it can't be printed by accident. */
export function secret(value: string): Secret {
  const inspect = Symbol.for("nodejs.util.inspect.custom");
  return Object.freeze({
    reveal: () => value,
    toString: () => "[secret]" as const,
    toJSON: () => "[secret]" as const,
    [inspect]: () => "[secret]",
  });
}
