// The files of deploy/ in front of a running proxy: nginx auth_request, Caddy forward_auth, HAProxy with our Lua,
// Envoy ext_authz, Traefik forwardAuth.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { stateSecret } from "../support/config_text.ts";
import { type FakeMcpServer, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { challenge, identity, mint, modernCall, server, toml, vault, wiki } from "../support/forward_auth_setup.ts";
import { type Answer, sendTo, type Sent } from "../support/host_request.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";
import {
  type ReverseProxy,
  type ReverseProxyKind,
  startReverseProxy,
  withoutReverseProxy,
} from "../support/reverse_proxies.ts";

const files: Record<ReverseProxyKind, string> = {
  nginx: "nginx/forward-auth.conf",
  caddy: "caddy/Caddyfile.forward-auth",
  haproxy: "haproxy/forward-auth.cfg",
  envoy: "envoy/forward-auth.yaml",
  traefik: "traefik/forward-auth.yaml",
};
for (const kind of Object.keys(files) as ReverseProxyKind[]) {
  describe(`deploy/${files[kind]}`, { skip: withoutReverseProxy(kind) }, () => {
    let downstream: FakeMcpServer;
    let proxy: ProxyProcess;
    let fronts: Record<"wiki" | "vault", ReverseProxy>;

    before(async () => {
      downstream = await startFakeMcpServer();
      proxy = await startProxy({ toml, server, stateSecret, publicUrl: "https://mcp.example.com" });
      const front = (host: string) => {
        const separator = kind === "envoy" ? ", port_value: " : ":";
        const addresses = {
          [`127.0.0.1${separator}8080`]: `127.0.0.1${separator}${proxy.port}`,
          [`127.0.0.1${separator}3000`]: `127.0.0.1${separator}${downstream.port}`,
        };
        return startReverseProxy(kind, {
          file: files[kind],
          replace: host === wiki ? addresses : { ...addresses, [wiki]: host },
        });
      };
      fronts = { wiki: await front(wiki), vault: await front(vault) };
    });
    after(async () => {
      for (const running of [fronts?.wiki, fronts?.vault, proxy]) await running?.[Symbol.asyncDispose]();
      await downstream?.close();
    });

    /** What the client got, and what the downstream did. */
    async function send(path: string, sent: Sent = {}, to: "wiki" | "vault" = "wiki") {
      downstream.received.length = 0;
      downstream.behave(json({ jsonrpc: "2.0", id: 1, result: {} }));
      const answer = await sendTo(fronts[to].port, path, { host: to === "wiki" ? wiki : vault, ...sent });
      return { answer, received: [...downstream.received] };
    }
    const call = async (headers: Record<string, string>, to: "wiki" | "vault" = "wiki") =>
      await send("/mcp", { method: "POST", type: "application/json", body: { jsonrpc: "2.0" }, headers }, to);
    const bearer = async (name: "wiki" | "vault", scope = ["wiki:read", "wiki:write"]) => ({
      authorization: `Bearer ${await mint(
        name,
        name === "wiki" ? { scope, identity } : { credential: { value: "the-key" } },
      )}`,
    });
    const refused = ({ answer, received }: { answer: Answer; received: unknown[] }, status: number) => {
      assert.equal(answer.status, status);
      assert.deepEqual(received, []);
    };

    test("S2-51: without a token, 401 with our challenge reaches the client and nothing reaches the MCP server", async () => {
      const asked = await call({});
      refused(asked, 401);
      assert.equal(asked.answer.headers["www-authenticate"], challenge(wiki, 'scope="wiki:read wiki:write", '));
    });

    test("S2-49: a bad, expired or foreign token is 401 with error invalid_token", async () => {
      const expired = await mint("wiki", { identity, lifetimeSeconds: -10 });
      for (const authorization of ["Bearer x", `Bearer ${expired}`, (await bearer("vault")).authorization]) {
        const asked = await call({ authorization });
        refused(asked, 401);
        assert.match(
          String(asked.answer.headers["www-authenticate"]),
          /^Bearer error="invalid_token", .*resource_metadata="/,
        );
      }
    });

    test("S2-50: with a token the request arrives whole, and we say who it is", async () => {
      const headers = await bearer("wiki");
      const { answer, received } = await send("/mcp?a=b", {
        method: "POST",
        type: "application/json",
        body: { text: "x".repeat(200_000) },
        headers: { ...headers, "mcp-session-id": "s1" },
      });
      assert.equal(answer.status, 200);
      assert.equal(answer.text, '{"jsonrpc":"2.0","id":1,"result":{}}');
      const [request] = received;
      assert.equal(request!.url, "/mcp?a=b");
      assert.equal(JSON.parse(request!.body).text.length, 200_000);
      assert.equal(request!.headers["mcp-session-id"], "s1");
      assert.equal(request!.headers.authorization, headers.authorization);
      assert.equal(request!.headers["x-auth-request-access-token"], headers.authorization.replace("Bearer ", ""));
      assert.equal(request!.headers["x-auth-request-user"], "id-of-ada");
      assert.equal(request!.headers["x-auth-request-preferred-username"], "Ada");
      assert.equal(request!.headers["x-auth-request-groups"], "staff");
      assert.equal(request!.headers["x-auth-request-scopes"], "wiki:read wiki:write");
    });

    test("CVE-2025-64484: what a client says about itself is gone, also where we know nothing to put there", async () => {
      const forged = {
        "X-Auth-Request-User": "forged",
        "X-Auth-Request-Email": "forged",
        "X-Auth-Request-Groups": "forged",
        "X-Auth-Request-Access-Token": "forged",
        X_Auth_Request_User: "forged",
        "X-Auth_Request-Email": "forged",
        x_auth_request_groups: "forged",
        "X-Forwarded-User": "forged",
        X_Forwarded_User: "forged",
        "X-Forwarded-Email": "forged",
        "X-Forwarded-Groups": "forged",
        "Remote-User": "forged",
        Remote_User: "forged",
        "X-Remote-User": "forged",
        Cookie: "forged=1",
        Forwarded: "for=forged",
        "X-Forwarded-Host": "forged",
        "X-Forwarded-For": "forged",
      };
      // Traefik needs aliasHeadersStrategy for the second spellings, which older ones don't have.
      const sent = Object.entries(forged).filter(([name]) => kind !== "traefik" || !name.includes("_"));
      for (const name of ["wiki", "vault"] as const) {
        const { answer, received } = await call({ ...Object.fromEntries(sent), ...await bearer(name) }, name);
        assert.equal(answer.status, 200);
        const pairs = received[0]!.rawHeaders;
        assert.deepEqual(pairs.filter((_, index) => pairs[index]!.includes("forged")), [], pairs.join("\n"));
      }
    });

    test("the pasted key takes the token's place, and goes to the MCP server alone", async () => {
      const { answer, received } = await call(await bearer("vault"), "vault");
      assert.equal(answer.status, 200);
      assert.equal(received[0]!.headers.authorization, "Bearer the-key");
      assert.doesNotMatch(JSON.stringify([answer.headers, answer.text]), /the-key/);
    });

    test("S2-52: a tool beyond the scope is 403, and the challenge reaches the client whole", async () => {
      const headers = await bearer("wiki", ["wiki:read"]);
      assert.equal((await call({ ...headers, ...modernCall("search") })).answer.status, 200);
      const asked = await call({ ...headers, ...modernCall("put_page") });
      refused(asked, 403);
      assert.equal(
        asked.answer.headers["www-authenticate"],
        challenge(
          wiki,
          'error="insufficient_scope", error_description="this tool needs another scope", scope="wiki:write", ',
        ),
      );
    });

    test("a tool's name in a second spelling, or twice, opens nothing", async () => {
      const headers = await bearer("wiki", ["wiki:read"]);
      const twins: Record<string, string>[] = [{ mcp_name: "put_page" }, {
        Mcp_Name: "put_page",
        mcp_method: "tools/call",
      }];
      for (const twin of twins) {
        const { answer, received } = await call({ ...headers, ...modernCall("search"), ...twin });
        const arrived = received.flatMap(({ rawHeaders }) => rawHeaders.filter((text) => text.includes("put_page")));
        assert.ok(answer.status === 200 || answer.status === 403, String(answer.status));
        assert.deepEqual(arrived, []);
      }
      const head = requestHead("POST", "/mcp", {
        Host: wiki,
        Authorization: headers.authorization,
        ...modernCall("search"),
        "Mcp-Name": "put_page",
        "Content-Length": "2",
        Connection: "close",
      });
      downstream.received.length = 0;
      const exchange = rawRequest(fronts.wiki.port, `${head}{}`);
      await exchange.closed;
      assert.match(exchange.text(), /^HTTP\/1.1 403 /);
      assert.deepEqual(downstream.received, []);
    });

    test("GHSA-7x63-xv5r-3p2x: no header of the client's chooses the resource, the path or the way around", async () => {
      const headers = await bearer("vault");
      const spoofs: Record<string, string>[] = [
        { "X-Forwarded-Host": vault },
        { "X-Forwarded-Host": vault, "X-Forwarded-For": "127.0.0.1" },
        { Forwarded: `for=127.0.0.1;host=${vault}` },
        { "X-Forwarded-Uri": "/.well-known/oauth-protected-resource", "X-Original-URL": "/healthz" },
        { "X-Original-URI": "/healthz", "X-Forwarded-Method": "OPTIONS", "X-HTTP-Method-Override": "OPTIONS" },
        { "User-Agent": "GoogleHC/1.0" },
      ];
      for (const spoof of spoofs) refused(await call({ ...headers, ...spoof }), 401);
      const elsewhere = await send("/mcp", { host: vault, method: "POST", headers, body: {} });
      assert.deepEqual(elsewhere.received, []);
    });

    test("the question itself, whose answer holds the key, is closed to everybody outside", async () => {
      const headers = await bearer("vault");
      const paths = [
        "/authenticate",
        "/authenticate/",
        "/authenticate?x",
        "/authenticate/mcp/vault",
        "//authenticate",
        "/Authenticate",
        "/%61uthenticate",
        "/mcp/../authenticate",
        "/mcp/%2e%2e/authenticate",
        "/./authenticate",
        "/_authenticate",
      ];
      for (const path of paths) {
        const { answer, received } = await send(path, { headers }, "vault");
        assert.notEqual(answer.status, 200, path);
        assert.ok(answer.status < 500, path);
        assert.doesNotMatch(JSON.stringify([answer.headers, answer.text]), /the-key/, path);
        assert.deepEqual(received, [], path);
      }
    });

    test("discovery, registration and keys are reachable under the host", async () => {
      const document = await send("/.well-known/oauth-protected-resource/mcp");
      assert.equal(document.answer.json().resource, `https://${wiki}/mcp`);
      const metadata = await send("/.well-known/oauth-authorization-server");
      assert.equal(metadata.answer.json().issuer, `https://${wiki}`);
      assert.equal((await send("/openid/v1/jwks")).answer.status, 200);
      const body = { redirect_uris: ["http://127.0.0.1:33418/callback"] };
      assert.equal((await send("/register", { type: "application/json", body })).answer.status, 201);
    });

    test("the MCP server's own answers come through as they are", async () => {
      const headers = await bearer("wiki");
      for (const status of [202, 400, 403, 404, 405, 500]) {
        downstream.behave(json({ own: status }, { status, headers: { "mcp-session-id": "s2" } }));
        const answer = await sendTo(fronts.wiki.port, "/mcp", { host: wiki, method: "POST", headers, body: {} });
        assert.deepEqual([answer.status, answer.text], [status, `{"own":${status}}`]);
        assert.equal(answer.headers["mcp-session-id"], "s2");
      }
    });

    test("an event stream comes through event by event, and the client's leaving reaches the MCP server", async () => {
      const headers = await bearer("wiki");
      let next: () => void = () => {};
      let left: Promise<void> | undefined;
      downstream.behave(async (request, answer) => {
        left = request.closed;
        answer.writeHead(200, { "content-type": "text/event-stream" });
        for (let event = 1;; event++) {
          answer.write(`data: ${event}\n\n`);
          await new Promise<void>((resolve) => next = resolve);
        }
      });
      const exchange = rawRequest(
        fronts.wiki.port,
        requestHead("GET", "/mcp", { Host: wiki, Accept: "text/event-stream", Authorization: headers.authorization }),
      );
      for (const event of [1, 2, 3]) {
        await exchange.until(`data: ${event}\n\n`);
        next();
      }
      exchange.destroy();
      await left;
    });

    test("S2-01: while nobody answers the question the client hears 502 or 503 (500 from Traefik), and nothing passes", async () => {
      await proxy.stop();
      const asked = await call(await bearer("wiki"));
      const expected = kind === "traefik" ? [500] : [502, 503];
      assert.ok(expected.includes(asked.answer.status), String(asked.answer.status));
      assert.deepEqual(asked.received, []);
    });
  });
}
