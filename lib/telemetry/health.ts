// What probes ask.

/** 200, plain text (seed 1's `/health` says `OK`). */
export function healthAnswer(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
}

/**
 * 503 while the process drains, so that nobody sends new work. A store that is away is said, and no reason to stop: logins and
 * traffic go on, and taking every replica out would end them.
 */
export function readinessAnswer({ draining, store }: { draining: boolean; store: { healthy: boolean } }): Response {
  if (draining) return new Response("draining\n", { status: 503, headers: { "cache-control": "no-store" } });
  return healthAnswer(
    store.healthy ? "" : "store unavailable: single use and revocation hold within this process only\n",
  );
}
