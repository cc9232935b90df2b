// The files of deploy/ for a reverse proxy in front of us, where we carry the traffic ourselves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { freePort } from "../support/free_port.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { needs } from "../support/programs.ts";
import { startProxy } from "../support/proxy_process.ts";
import { startReverseProxy } from "../support/reverse_proxies.ts";

const files = { nginx: "nginx/reverse-proxy.conf", caddy: "caddy/Caddyfile.reverse-proxy" } as const;

for (const kind of ["nginx", "caddy"] as const) {
  test(
    `deploy/${files[kind]}: sign-in, event by event, leaving, and no /metrics`,
    { skip: needs(kind) },
    async () => {
      let next: () => void = () => {};
      let left: Promise<void> | undefined;
      const downstream = await startFakeMcpServer(async (request, answer) => {
        left = request.closed;
        answer.writeHead(200, { "content-type": "text/event-stream" });
        for (let event = 1;; event++) {
          answer.write(`data: ${event} ${request.headers["x-forwarded-for"]}\n\n`);
          await new Promise<void>((resolve) => next = resolve);
        }
      });
      const port = await freePort();
      await using proxy = await startProxy({
        publicUrl: `http://127.0.0.1:${port}`,
        server: `trusted_proxies = ["127.0.0.1"]\nsse_keepalive = 0`,
        toml:
          `[downstream.fake]\ndisplay_name = "Fake"\nstrategy = "passthrough"\ndownstream_url = "${downstream.url}"\n`,
      });
      await using front = await startReverseProxy(kind, {
        file: files[kind],
        port,
        replace: {
          "127.0.0.1:8080": `127.0.0.1:${proxy.port}`,
          ...(kind === "caddy" ? { "mcp.example.com:": "127.0.0.1:" } : {}),
        },
      });
      const client = await createTestClient(`http://127.0.0.1:${front.port}`, "fake");
      const { access_token } = await client.signIn();
      const leaving = new AbortController();
      const answer = await client.mcp(access_token!, { signal: leaving.signal });
      assert.equal(answer.status, 200);
      const reader = answer.body!.getReader();
      for (const event of [1, 2, 3]) {
        // The client's address is for us; claims of that name never go on to the MCP server.
        assert.equal(new TextDecoder().decode((await reader.read()).value), `data: ${event} undefined\n\n`);
        next();
      }
      leaving.abort();
      await left;
      const authenticate = await fetch(`http://127.0.0.1:${front.port}/authenticate/mcp/fake`, {
        headers: { authorization: `Bearer ${access_token}` },
      });
      assert.equal(authenticate.status, 404);
      // The reverse proxy is trusted and on loopback; those for whom it asks are not (S2-04).
      assert.equal((await fetch(`http://127.0.0.1:${front.port}/metrics`)).status, 404);
      assert.equal((await fetch(`${proxy.url}/metrics`)).status, 200);
      await downstream.close();
    },
  );
}
