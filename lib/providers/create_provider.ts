// The only switch on the provider's kind.
import type { ProviderConfig } from "../config/config.ts";
import { entra } from "./entra.ts";
import { github } from "./github.ts";
import { google } from "./google.ts";
import { oidc } from "./oidc.ts";
import type { Provider, WantedFacts } from "./provider.ts";
import type { ProviderFetch } from "./provider_fetch.ts";

export function createProvider(
  config: ProviderConfig,
  tools: { fetch: ProviderFetch; wanted: WantedFacts },
): Provider {
  switch (config.kind) {
    case "google":
      return google(config, tools);
    case "github":
      return github(config, tools);
    case "entra":
      return entra(config, tools);
    case "oidc":
      return oidc(config, tools);
  }
}
