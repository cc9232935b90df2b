import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { LoginConfig, Resource } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { createResourceScopes } from "../../lib/scopes/resource_scopes.ts";
import { hang } from "../support/fake_mcp_server.ts";
import { testResource } from "../support/mcp_proxy.ts";
import { recordedLog } from "../support/recorded_log.ts";
import { type ScopedServer, startScopedServer } from "../support/scoped_mcp_server.ts";
import { loginConfig, toolScopes } from "../support/tool_scopes.ts";

const running: ScopedServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function setup(changes: Partial<LoginConfig> = {}) {
  const server = await startScopedServer({
    era: "2026-07-28",
    pages: { "": { tools: [], _meta: { scopes: toolScopes } } },
  });
  running.push(server);
  const clock = { now: 1_000 };
  const { log, events } = recordedLog();
  const resource = testResource({
    downstreamUrl: server.url,
    strategy: { ...loginConfig, toolScopes: undefined, ...changes } as LoginConfig,
  });
  return { server, clock, events, resource, scopes: createResourceScopes({ fetch, now: () => clock.now, log }) };
}

const names = toolScopes.map(({ name }) => name);

test("S2-24: the server's scopes are asked for once in 10 seconds, however many want to know", async () => {
  const { scopes, server, clock, resource } = await setup();
  await Promise.all([scopes.supported(resource), scopes.toolScopes(resource), scopes.knownToolScopes(resource)]);
  clock.now += 9;
  assert.deepEqual(await scopes.supported(resource), names);
  assert.equal(server.received.length, 1);
  clock.now += 1;
  const second = server.nextRequest();
  assert.deepEqual(await scopes.toolScopes(resource), toolScopes);
  await second;
});

test("S2-24: a server that names none gives the default scope, and nothing is enforced", async () => {
  const { scopes, server, resource } = await setup();
  server.options.pages = { "": { tools: [] } };
  assert.deepEqual(await scopes.supported(resource), ["mcp-oauth2-proxy"]);
  assert.deepEqual(await scopes.toolScopes(resource), []);
  assert.deepEqual(await scopes.supported({ ...resource, scopes: ["wiki"] }), ["wiki"]);
});

test("S2-14: a server that is away keeps its last scopes, and the error is logged", async () => {
  const { scopes, server, clock, events, resource } = await setup();
  await scopes.toolScopes(resource);
  await server.close();
  clock.now += 10;
  await asked(scopes, resource, events);
  assert.deepEqual(await scopes.supported(resource), names);
  assert.deepEqual(await scopes.toolScopes(resource), toolScopes);
  assert.deepEqual(events.map(({ level, event, fields }) => [level, event, fields.kept]), [
    ["error", "tool_scopes_not_discovered", true],
  ]);
});

/** The question in the background has been answered. */
async function asked(
  scopes: ReturnType<typeof createResourceScopes>,
  resource: Resource,
  events: unknown[],
): Promise<void> {
  while (events.length === 0) {
    await scopes.supported(resource);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("S2-24: scopes of a wrong shape, too, keep the last good ones", async () => {
  const { scopes, server, clock, events, resource } = await setup();
  await scopes.toolScopes(resource);
  server.options.pages = { "": { tools: [], _meta: { scopes: "all" } } };
  clock.now += 10;
  await asked(scopes, resource, events);
  assert.deepEqual(await scopes.toolScopes(resource), toolScopes);
});

test("a server that turns strangers away from one day on has not given up its scopes", async () => {
  const { scopes, server, clock, resource } = await setup();
  await scopes.toolScopes(resource);
  server.options.authorization = "Bearer a-user";
  // A question begins only after the one before has been answered.
  while (server.received.length < 6) {
    clock.now += 10;
    assert.deepEqual(await scopes.toolScopes(resource), toolScopes);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test("S2-14: where nobody ever knew the scopes, metadata goes on and tools stay closed", async () => {
  const { scopes, server, resource, events } = await setup();
  await server.close();
  assert.deepEqual(await scopes.supported(resource), ["mcp-oauth2-proxy"]);
  assert.deepEqual(await scopes.knownToolScopes(resource), []);
  await assert.rejects(async () => await scopes.toolScopes(resource), { code: "temporarily_unavailable", status: 503 });
  assert.equal(events[0]?.fields.kept, false);
});

test("S2-14: while the server thinks, whoever has older scopes does not wait", async () => {
  const { scopes, server, clock, resource } = await setup();
  await scopes.toolScopes(resource);
  server.behave(hang);
  clock.now += 10;
  assert.deepEqual(await scopes.supported(resource), names);
});

test("S2-25: the configured credential opens the server, in the header it wants", async () => {
  const { scopes, server, resource } = await setup({ credential: secret("the-key") });
  server.options.authorization = "Bearer the-key";
  assert.deepEqual(await scopes.supported(resource), names);
  assert.deepEqual(
    await scopes.supported({ ...resource, name: "other", authHeaderFormat: "X-API-Key" }),
    ["mcp-oauth2-proxy"],
  );
  assert.equal(server.received.at(-1)!.headers["x-api-key"], "the-key");
});

test("configured scopes win, and nobody is asked; other strategies have none", async () => {
  const { scopes, server, resource } = await setup({ toolScopes });
  assert.deepEqual(await scopes.toolScopes(resource), toolScopes);
  assert.deepEqual(await scopes.toolScopes({ ...resource, strategy: { kind: "passthrough" } }), []);
  assert.deepEqual(await scopes.supported({ ...resource, scopes: ["a"], strategy: { kind: "passthrough" } }), ["a"]);
  assert.deepEqual(server.received, []);
});

test("scopes_url is asked where a reverse proxy carries the traffic; without it there is nothing to ask", async () => {
  const { scopes, server, resource } = await setup();
  const { downstreamUrl: _, ...notCarried } = resource;
  const strategy = { ...resource.strategy, scopesUrl: server.url } as LoginConfig;
  assert.deepEqual(await scopes.supported({ ...notCarried, strategy }), names);
  assert.deepEqual(await scopes.toolScopes({ ...notCarried, name: "other" }), []);
});
