// Bun.serve and fetch and nothing else: no token, no log, no limit. The least that a proxy on this runtime costs, to know ours by.
//   bun bare_forwarder.ts PORT TARGET

declare const Bun: {
  serve(options: { hostname: string; port: number; fetch: (request: Request) => Promise<Response> }): unknown;
};

const [port = "", target = ""] = process.argv.slice(2);

Bun.serve({ hostname: "127.0.0.1", port: Number(port), fetch: forward });

async function forward(request: Request): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.delete("host");
  const { method } = request;
  const answer = await fetch(target, { method, headers, body: await request.arrayBuffer(), redirect: "manual" });
  return new Response(await answer.arrayBuffer(), answer);
}
