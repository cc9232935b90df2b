// Whether the providers that users sign in with know us and let us read what the rules need.
import type { ProviderConfig, Resource } from "../config/config.ts";
import { createProvider } from "../providers/create_provider.ts";
import { createProviderFetch } from "../providers/provider_fetch.ts";
import { wantedFacts } from "../providers/wanted_facts.ts";
import type { Finding } from "./downstream_findings.ts";

export async function signInFindings(
  config: ProviderConfig,
  resources: readonly Resource[],
  { fetch }: { fetch: typeof globalThis.fetch },
): Promise<Finding[]> {
  const wanted = wantedFacts(resources, config.name);
  const provider = createProvider(config, { fetch: createProviderFetch(fetch), wanted });
  const results = await provider.check(Math.floor(Date.now() / 1000));
  return results.map(({ probe, ok, message }) => ({ level: ok ? "ok" : "problem", text: `${probe}: ${message}` }));
}
