// A chained_oauth strategy in front of a fake provider, with a fixed clock, a recorded log and a store that a test chooses.
import type { ChainedOAuthConfig, Resource } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import type { AuthorizationRequest } from "../../lib/oauth/authorization_request.ts";
import type { Grant } from "../../lib/oauth/grant.ts";
import { createSafeFetch } from "../../lib/http/safe_fetch.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { createStrategies } from "../../lib/strategies/create_strategy.ts";
import type { Approval, Begun, Strategy } from "../../lib/strategies/strategy.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { resourceUrls } from "../../lib/urls.ts";
import type { FakeProvider } from "./fake_provider.ts";
import { type RecordedEvent, recordedLog } from "./recorded_log.ts";

export interface ChainedSetup {
  strategy: Strategy;
  resource: Resource;
  clock: { now: number };
  events: RecordedEvent[];
  begin(scope?: string[]): Promise<Extract<Begun, { kind: "redirect" }>>;
  /** Follows the browser to the provider and back; the parameters that come back. */
  visit(url: string): Promise<Record<string, string>>;
  finish(begun: { memo: unknown }, answer: Record<string, string>): Promise<Approval>;
  /** From nothing to a grant. */
  signIn(scope?: string[]): Promise<Grant>;
}

export interface ChainedSetupOptions {
  config?: Partial<ChainedOAuthConfig>;
  provider?: Partial<NonNullable<ChainedOAuthConfig["provider"]>>;
  /** Absent: the provider is written down, not discovered. */
  downstreamUrl?: string;
  publicUrl?: string;
  store?: Store;
  clock?: { now: number };
}

export const lifetimes = {
  accessTokenTtlSeconds: 3600,
  refreshTokenTtlSeconds: 2_592_000,
  refreshGraceSeconds: 60,
  signingKeyRotationSeconds: 86_400,
};

/** A memory store that claims to outlive the process: what a test hands from one strategy to the next does. */
export function durableStore(clock: { now: number }): Store {
  return { ...createMemoryStore({ now: () => clock.now }), durable: true };
}

export function chainedSetup(provider: FakeProvider, options: ChainedSetupOptions = {}): ChainedSetup {
  const clock = options.clock ?? { now: 1_800_000_000 };
  const now = () => clock.now;
  const { log, events } = recordedLog();
  const written = {
    authorizeUrl: `${provider.url}/authorize?audience=api`,
    tokenUrl: `${provider.url}/token`,
    revocationUrl: `${provider.url}/revoke`,
    clientId: provider.options.clientId!,
    clientSecret: secret(provider.options.clientSecret!),
    pkce: true,
    ...options.provider,
  };
  const resource: Resource = {
    name: "files",
    displayName: "Files",
    urls: resourceUrls({ by: "path", publicUrl: options.publicUrl ?? "http://127.0.0.1:8080", name: "files" }),
    authHeaderFormat: "Bearer",
    scopes: [],
    rawAccessTokens: false,
    ...(options.downstreamUrl === undefined ? {} : { downstreamUrl: options.downstreamUrl }),
    strategy: {
      kind: "chained_oauth",
      ...(options.downstreamUrl === undefined ? { provider: written } : {}),
      providerScopes: [],
      supportsRefresh: true,
      tokenAccept: "application/json",
      ...options.config,
    },
  };
  const strategy = createStrategies([resource], {
    fetch,
    safeFetch: createSafeFetch(),
    providers: new Map(),
    store: options.store ?? createMemoryStore({ now }),
    sealer: createSealer([secret(Buffer.alloc(32, 7).toString("base64"))], now),
    lifetimes,
    log,
    now,
  }).of(resource);
  const requestFor = (scope: string[]): AuthorizationRequest => ({
    clientId: "client-1",
    redirectUri: "https://client.example/callback",
    resource: resource.urls.resource,
    scope,
    codeChallenge: "x".repeat(43),
  });

  const setup: ChainedSetup = {
    strategy,
    resource,
    clock,
    events,
    async begin(scope = []) {
      const begun = await strategy.begin(requestFor(scope), {}, { state: "state-of-22-characters", now: now() });
      if (begun.kind !== "redirect") throw new Error(`expected a redirect, got ${begun.kind}`);
      // What waits in the cookie is JSON.
      return { ...begun, memo: JSON.parse(JSON.stringify(begun.memo)) };
    },
    async visit(url) {
      const answer = await fetch(url, { redirect: "manual" });
      const location = answer.headers.get("location");
      await answer.body?.cancel();
      if (location === null) throw new Error(`the provider kept the browser: ${answer.status}`);
      return Object.fromEntries(new URL(location).searchParams);
    },
    finish: (begun, answer) => strategy.finish(requestFor([]), begun.memo, answer, now()),
    async signIn(scope = []) {
      const begun = await setup.begin(scope);
      const approval = await setup.finish(begun, await setup.visit(begun.url));
      const grant: Grant = {
        id: "grant-of-22-characters",
        clientId: "client-1",
        resource: resource.urls.resource,
        scope: approval.scope ?? scope,
        grantedAt: now(),
        credential: approval.credential!,
      };
      await strategy.keep?.(grant, now());
      return grant;
    },
  };
  return setup;
}
