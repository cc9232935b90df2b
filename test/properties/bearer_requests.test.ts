// /authenticate and the MCP server of the whole app for those without a good token, and what strangers say about themselves.
import assert from "node:assert/strict";
import fc from "fast-check";
import { randomId } from "../../lib/tokens/random_id.ts";
import { sealRefreshToken } from "../../lib/tokens/refresh_token.ts";
import { appInProcess } from "../support/app_in_process.ts";
import { headerText, mutated } from "../support/arbitraries.ts";
import { githubTable, linearTable, serverTable } from "../support/config_text.ts";
import { property } from "../support/property.ts";

const { send, deps } = appInProcess(`${serverTable}${linearTable}${githubTable}
[client.agent]
redirect_uris = ["https://agent.example.com/callback"]
[rate_limit]
per_address = 0
per_client = 0
`);
const linear = deps.config.resources.find(({ name }) => name === "linear")!;
const github = deps.config.resources.find(({ name }) => name === "github")!;
const expiresAt = deps.now() + 60;
const grant = {
  id: randomId(),
  clientId: "agent",
  resource: linear.urls.resource,
  scope: [],
  grantedAt: deps.now(),
  credential: { value: "the-key" },
};
/** Good where they belong: as a refresh token, at another resource, and unchanged. */
const refreshToken = sealRefreshToken(deps.sealer, { id: randomId(), grant }, expiresAt);
const foreign = await deps.accessTokens.issue({ ...grant, resource: github.urls.resource }, github, {
  scope: [],
  expiresAt,
});
const token = await deps.accessTokens.issue(grant, linear, { scope: [], expiresAt });

property(
  "S1-43, S1-44, S2-49: without a good token nothing is forwarded: 401 with a challenge, and at /authenticate 401 or 403",
  {
    runs: 150,
    of: [
      fc.oneof(
        headerText,
        headerText.map((text) => `Bearer ${text}`),
        mutated(fc.constant(`Bearer ${token}`)).map((text) => text.replace(/[^\x20-\x7E]/g, "").trim()),
        fc.constantFrom(`Bearer ${refreshToken}`, `Bearer ${foreign}`),
      ),
      fc.constantFrom("/mcp/linear", "/authenticate/mcp/linear"),
      fc.constantFrom("GET", "POST", "DELETE", "PUT"),
      fc.array(
        fc.tuple(
          fc.constantFrom("mcp-method", "mcp-name", "mcp_name", "x-forwarded-host", "accept", "mcp-protocol-version"),
          headerText,
        ),
        { maxLength: 3 },
      ),
    ],
  },
  async (authorization, path, method, more) => {
    if (new RegExp(`^Bearer +${token} *$`, "i").test(authorization)) return;
    const headers = new Headers(more);
    headers.set("authorization", authorization);
    const answer = await send(path, { method, headers });
    assert.ok(answer.status === 401 || (answer.status === 403 && path.startsWith("/authenticate")), `${answer.status}`);
    if (answer.status === 403) return;
    const challenge = answer.headers.get("www-authenticate")!;
    assert.match(challenge, /^Bearer ([a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*"(, |$))+$/);
    assert.match(
      challenge,
      /resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource\/mcp\/linear"/,
    );
    assert.equal(/error="invalid_token"/.test(challenge), /^bearer\b/i.test(authorization));
  },
);

property("S2-02: what a peer that is not trusted says about host, scheme and address changes no answer", {
  runs: 80,
  of: [
    fc.constantFrom(
      "/.well-known/oauth-authorization-server/mcp/linear",
      "/.well-known/oauth-protected-resource/mcp/github",
      "/mcp/linear",
      "/authorize/mcp/linear?client_id=agent",
      "/metrics",
      "/authenticate/mcp/linear",
      "/nowhere",
    ),
    fc.uniqueArray(
      fc.tuple(
        fc.constantFrom(
          "forwarded",
          "x-forwarded-for",
          "x-forwarded-host",
          "x-forwarded-proto",
          "x-forwarded-port",
          "x-forwarded-prefix",
          "x-real-ip",
          "x-original-url",
          "x-rewrite-url",
        ),
        fc.oneof(
          headerText,
          fc.constantFrom(
            "127.0.0.1",
            "evil.example",
            "http",
            "for=127.0.0.1;host=evil.example;proto=http",
            "/metrics",
          ),
        ),
      ),
      { maxLength: 5, selector: ([name]) => name },
    ),
  ],
}, async (path, headers) => {
  const shown = async (
    answer: Response,
  ) => [
    answer.status,
    [...answer.headers].filter(([name]) => name !== "set-cookie"),
    (await answer.text()).replace(/[\w-]{12}(?=<|")/g, ""),
  ];
  assert.deepEqual(await shown(await send(path, { headers })), await shown(await send(path)));
});
