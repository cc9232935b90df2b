// What probes ask.

/** 200, plain text (seed 1's `/health` says `OK`). */
export function healthAnswer(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
}

/** 503 while the process drains, so that nobody sends new work. */
export function readinessAnswer(draining: boolean): Response {
  return draining
    ? new Response("draining\n", { status: 503, headers: { "cache-control": "no-store" } })
    : healthAnswer("");
}
