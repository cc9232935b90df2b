// How a credential may travel to the downstream.
import { got } from "./problems.ts";

const schemes = new Map([["bearer", "Bearer"], ["token", "token"], ["basic", "Basic"]]);

/** Headers that belong to the connection, the message or the protocol: a credential in one of them would break the request. */
const takenHeaders = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "connection",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "last-event-id",
  "origin",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);
const takenPrefixes = ["content-", "mcp-", "x-forwarded-", "sec-"];

/** A scheme of Authorization, or a header name (RFC 9110 §5.1) that is free to carry a credential. */
export function checkAuthHeader(value: string): string | undefined {
  if (schemes.has(value.toLowerCase())) return undefined;
  const colon = /^authorization:\s*(\w+)/i.exec(value);
  if (colon !== null) {
    return `is a scheme or a header name; write "${schemes.get(colon[1]!.toLowerCase()) ?? "Bearer"}"`;
  }
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)) {
    return `must be "Bearer", "token", "Basic" or the name of a header, such as "X-API-Key"${got(value)}`;
  }
  const name = value.toLowerCase();
  return takenHeaders.has(name) || takenPrefixes.some((prefix) => name.startsWith(prefix))
    ? `is a header that can't carry a credential${
      got(value)
    }; write the one that the MCP server documents, such as "X-API-Key"`
    : undefined;
}

/** Schemes in the spelling that travels, header names as they are. */
export function canonicalAuthHeader(value: string): string {
  return schemes.get(value.toLowerCase()) ?? value;
}
