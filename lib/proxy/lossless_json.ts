// JSON that is read, looked at and written again without changing what it says.

/**
 * Parses so that `JSON.stringify` gives every number back as it was written: one beyond 2^53, or `1.0`, survives.
 *
 * @throws SyntaxError for anything but JSON; RangeError when it is nested too deeply
 */
export function parseLosslessly(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const keepNumbers = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? rawJSON(context.source)
      : value;
  return JSON.parse(text, keepNumbers);
}
