// One exchange with a provider: limits on time and size, no redirects, so that a code or a secret reaches nobody but the
// address that was meant (RFC 9700 §4.12).
import { isIP } from "node:net";
import { collectBytes } from "../http/collected_bytes.ts";
import { isPublicAddress } from "../http/public_address.ts";
import type { SafeFetch } from "../http/safe_fetch.ts";
import { singleUseFetch } from "../http/single_use_fetch.ts";
import type { RawAnswer } from "./token_response.ts";

export interface ProviderRequest {
  method: "GET" | "POST" | "DELETE";
  headers: Record<string, string>;
  body?: string;
}

/** @throws ProviderUnreachableError when no complete answer came */
export type ProviderFetch = (url: URL, request: ProviderRequest) => Promise<RawAnswer>;

/** No complete answer came: refused, cut off, too slow, too large. The message names the host and nothing of the request. */
export class ProviderUnreachableError extends Error {
  override readonly name = "ProviderUnreachableError";
}

const timeoutMs = 10_000;
const maxBytes = 262_144;

/** For addresses that the operator wrote into the configuration. Without `readBody`, only status and headers are of interest. */
export function createProviderFetch(fetch: typeof globalThis.fetch, { readBody = true } = {}): ProviderFetch {
  const fetchOnce = singleUseFetch(fetch);
  return async (url, { method, headers, body }) => {
    try {
      const answer = await fetchOnce(url.href, {
        method,
        headers: { "user-agent": "mcp-oauth-proxy", ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!readBody) void answer.body?.cancel().catch(() => {}); // whether it was still open concerns nobody
      return { status: answer.status, headers: answer.headers, body: readBody ? await readLimited(answer) : "" };
    } catch (cause) {
      throw new ProviderUnreachableError(`${url.host} gave no complete answer`, { cause });
    }
  };
}

/** For addresses that a stranger's metadata named: public ones by https only, whatever the name resolves to meanwhile. */
export function createStrangerFetch(safeFetch: SafeFetch): ProviderFetch {
  return async (url, { method, headers, body }) => {
    if (method === "DELETE") throw new TypeError("nothing is deleted at a stranger's");
    const accept = headers.accept ?? "application/json";
    const post = method === "POST" ? { post: { body: body ?? "", headers } } : {};
    try {
      return await safeFetch(url, { maxBytes, timeoutMs, accept, ...post });
    } catch (cause) {
      throw new ProviderUnreachableError(`${url.host} gave no complete answer`, { cause });
    }
  };
}

/**
 * True for what can only be on the operator's own network or computer, judged by the URL alone: whoever owns a public name
 * decides what it resolves to.
 */
export function isLocalAddress(url: URL): boolean {
  if (url.protocol === "http:") return true;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return !isPublicAddress(host);
  return !host.includes(".") || /\.(localhost|local|internal|home\.arpa)$/.test(host);
}

async function readLimited(answer: Response): Promise<string> {
  const body = collectBytes();
  for await (const chunk of answer.body ?? []) {
    body.push(chunk);
    if (body.size > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
  }
  return body.text();
}
