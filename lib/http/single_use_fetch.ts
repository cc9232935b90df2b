import { currentRuntime } from "../runtime/runtime.ts";

/**
 * `fetch` for requests that must not be sent twice, such as the one that spends a refresh token: each on a connection of its
 * own, because Bun fails a request when a kept connection has died, and as a stream where the runtime would send it again.
 */
export function singleUseFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  const { singleUseConnection, resendsBodies } = currentRuntime();
  return ((input: RequestInfo | URL, init: RequestInit = {}) => {
    const body = resendsBodies && typeof init.body === "string"
      ? { body: new Blob([init.body]).stream(), duplex: "half" }
      : {};
    return fetch(input, { ...init, ...singleUseConnection, ...body } as RequestInit);
  }) as typeof globalThis.fetch;
}
