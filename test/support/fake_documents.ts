// A web of a few documents, behind the interface of the guarded fetch.
import { UnsafeUrlError } from "../../lib/http/fetch_target.ts";
import { FetchFailedError, type SafeFetch } from "../../lib/http/safe_fetch.ts";

export interface FakeDocument {
  status?: number;
  headers?: Record<string, string>;
  /** Text as it is; anything else as JSON. */
  body: unknown;
}

export interface FakeDocuments {
  safeFetch: SafeFetch;
  /** URL to what it answers; an Error is thrown, a function is called at each fetch. Anything else can't be reached. */
  documents: Map<string, FakeDocument | Error | (() => Promise<FakeDocument>)>;
  /** The URLs fetched, in order. */
  fetched: string[];
}

export function fakeDocuments(): FakeDocuments {
  const documents: FakeDocuments["documents"] = new Map();
  const fetched: string[] = [];
  return {
    documents,
    fetched,
    safeFetch: async (url, { maxBytes, allowLoopbackHttp }) => {
      fetched.push(url.href);
      if (url.protocol !== "https:" && allowLoopbackHttp !== true) {
        throw new UnsafeUrlError("the URL must start with https://");
      }
      const entry = documents.get(url.href);
      const found = typeof entry === "function" ? await entry() : entry;
      if (found === undefined) throw new FetchFailedError(`${url.host}: ENOTFOUND`);
      if (found instanceof Error) throw found;
      const body = typeof found.body === "string" ? found.body : JSON.stringify(found.body);
      if (Buffer.byteLength(body) > maxBytes) {
        throw new FetchFailedError(`${url.host} sent more than ${maxBytes} bytes`);
      }
      const headers = new Headers({ "content-type": "application/json", ...found.headers });
      return { status: found.status ?? 200, headers, body };
    },
  };
}
