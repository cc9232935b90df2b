import type { ProviderConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";

/** A provider's configuration that speaks to a fake. */
export function providerConfig(
  kind: ProviderConfig["kind"],
  fake: { clientId: string; clientSecret: string },
  changes: Partial<ProviderConfig> = {},
): ProviderConfig {
  return {
    name: kind,
    kind,
    displayName: kind,
    clientId: fake.clientId,
    clientSecret: secret(fake.clientSecret),
    ...changes,
  };
}
