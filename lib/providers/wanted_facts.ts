import type { LoginConfig, Resource } from "../config/config.ts";
import type { WantedFacts } from "./provider.ts";

/** What the rules of the resources that use a provider are about: nothing else is asked for (S2-58). */
export function wantedFacts(resources: readonly Resource[], provider: string): WantedFacts {
  const rules = resources.map(({ strategy }) => strategy)
    .filter((strategy): strategy is LoginConfig => strategy.kind === "login" && strategy.providers.includes(provider));
  return {
    email: rules.some(({ allowedEmailDomains, allowedUsers }) =>
      allowedEmailDomains.length > 0 || allowedUsers.some((user) => user.includes("@"))
    ),
    groups: rules.some(({ allowedGroups }) => allowedGroups.length > 0),
  };
}
