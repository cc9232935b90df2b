// GET /metrics as Prometheus asks for it.
import type { Metrics } from "./metrics.ts";

/** OpenMetrics for those who accept it, else Prometheus text; 405 and 404 for anything but `GET /metrics`. */
export async function metricsAnswer(metrics: Metrics, request: Request): Promise<Response> {
  if (new URL(request.url).pathname !== "/metrics") return new Response("GET /metrics\n", { status: 404 });
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const accepted = request.headers.get("accept") ?? "";
  const { text, contentType } = await metrics.print(
    accepted.includes("application/openmetrics-text") ? "openmetrics" : "prometheus",
  );
  return new Response(text, { headers: { "content-type": contentType, "cache-control": "no-store" } });
}
