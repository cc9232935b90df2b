/**
 * The value of an `Mcp-Name` or `Mcp-Method` header: plain, or UTF-8 in the Base64 sentinel form `=?base64?…?=` (streamable-http,
 * Value Encoding). Undefined when the sentinel holds no Base64.
 */
export function decodeMetadataHeader(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === encoded.replace(/=+$/, "")
    ? bytes.toString("utf8")
    : undefined;
}
