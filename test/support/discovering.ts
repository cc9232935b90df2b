// An MCP server that protects itself, its provider, and a strategy in front of them that knows nothing but downstream_url.
import assert from "node:assert/strict";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { type ChainedSetup, chainedSetup, type ChainedSetupOptions } from "./chained_setup.ts";
import { type FakeProvider, type FakeProviderOptions, startFakeProvider } from "./fake_provider.ts";
import { type ProtectedMcpOptions, type ProtectedMcpServer, startProtectedMcpServer } from "./protected_mcp_server.ts";

export interface Discovering {
  provider: FakeProvider;
  mcp: ProtectedMcpServer;
  setup: ChainedSetup;
}

export interface DiscoveringOptions {
  provider?: FakeProviderOptions;
  mcp?: ProtectedMcpOptions;
  setup?: ChainedSetupOptions;
}

const running: (() => Promise<void>)[] = [];

/** Ends what the test started: for `afterEach`. */
export async function stopDiscovering(): Promise<void> {
  for (const stop of running.splice(0)) await stop();
}

export async function discovering(given: DiscoveringOptions = {}): Promise<Discovering> {
  const provider = await startFakeProvider({ registers: true, ...given.provider });
  const mcp = await startProtectedMcpServer(provider, given.mcp);
  running.push(() => provider.stop(), () => mcp[Symbol.asyncDispose]());
  const setup = chainedSetup(provider, { downstreamUrl: mcp.url, ...given.setup });
  return { provider, mcp, setup };
}

/** The reason that the operator's log gives for a sign-in that can't begin. */
export async function refusalOf({ setup }: Discovering, code: string): Promise<string> {
  await assert.rejects(setup.begin(), (error: unknown) => {
    assert.ok(error instanceof OAuthError, String(error));
    assert.equal(error.code, code);
    return true;
  });
  return String(setup.events.find(({ event }) => event === "provider_not_discovered")?.fields.error);
}
