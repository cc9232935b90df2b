// Whether the providers that users sign in with know us and let us read what the rules need.
import type { Config, ProviderConfig } from "../config/config.ts";
import { createProvider } from "../providers/create_provider.ts";
import { createProviderFetch } from "../providers/provider_fetch.ts";
import { wantedFacts } from "../providers/wanted_facts.ts";
import { appsCallbackPath, callbackOf } from "../urls.ts";
import type { Finding } from "./downstream_findings.ts";

export async function signInFindings(
  config: ProviderConfig,
  { resources, server }: Pick<Config, "resources" | "server">,
  { fetch }: { fetch: typeof globalThis.fetch },
): Promise<Finding[]> {
  const wanted = wantedFacts(resources, config.name);
  const provider = createProvider(config, { fetch: createProviderFetch(fetch), wanted });
  const results = await provider.check(Math.floor(Date.now() / 1000));
  const callbacks = resources
    .filter(({ strategy }) => strategy.kind === "login" && strategy.providers.includes(config.name))
    .map(({ urls, strategy }) =>
      strategy.kind === "login" && strategy.providers.length > 1
        ? callbackOf(urls.callback, config.name)
        : urls.callback
    );
  const all = [...callbacks, callbackOf(server.publicUrl + appsCallbackPath, config.name)].join(" ");
  return [
    ...results.map(({ probe, ok, message }): Finding => ({
      level: ok ? "ok" : "problem",
      text: `${probe}: ${message}`,
    })),
    ...(callbacks.length === 0 ? [] : [{ level: "ok" as const, text: `redirect URIs to allow there: ${all}` }]),
  ];
}
