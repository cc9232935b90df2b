// Who may sign in: the lists of one resource against what the provider says of a user. Pure; the reason is for the log only.
import type { LoginConfig } from "../config/config.ts";
import type { Identity } from "../oauth/grant.ts";

export type LoginRules = Pick<
  LoginConfig,
  "providers" | "allowEveryone" | "allowedUsers" | "allowedEmailDomains" | "allowedGroups"
>;

/** A person as one of the configured providers knows them: `subject` is the provider's own id. */
export interface Person {
  provider: string;
  identity: Identity;
}

/**
 * Why this person may not sign in; undefined when they may.
 *
 * A user on `allowedUsers` may. Everybody else needs an address of an allowed domain and one of the allowed groups,
 * as far as such lists are configured. A resource without any list lets nobody in unless `allowEveryone` (D7).
 */
export function findRefusal(rules: LoginRules, { provider, identity }: Person): string | undefined {
  if (rules.allowEveryone) return undefined;
  if (isAllowedUser(rules, { provider, identity })) return undefined;
  const { allowedEmailDomains: domains, allowedGroups: groups } = rules;
  if (domains.length === 0 && groups.length === 0) return "not on allowed_users";
  if (domains.length > 0) {
    if (identity.email === undefined) {
      return "the provider vouches for no email address, so allowed_email_domains can't hold";
    }
    if (!isInDomains(identity.email, domains)) return "the email address is in none of allowed_email_domains";
  }
  return groups.length > 0 && !isInGroups(identity.groups ?? [], groups) ? "in none of allowed_groups" : undefined;
}

/** Exactly as the provider writes them; only groups that are addresses (Google) without regard to case. */
function isInGroups(groups: readonly string[], allowed: readonly string[]): boolean {
  return allowed.some((group) => groups.includes(group.includes("@") ? group.toLowerCase() : group));
}

/**
 * Verified emails without regard to case. Ids and user names as they are: where there are several providers, with `PROVIDER|`
 * before them. A user name that looks like an address is none: whoever may choose it could choose another's address.
 */
function isAllowedUser({ providers, allowedUsers }: LoginRules, { provider, identity }: Person): boolean {
  const { subject, name, email } = identity;
  const names = [subject, ...(name === undefined || name.includes("@") ? [] : [name])];
  const known = names.flatMap((one) => [`${provider}|${one}`, ...(providers.length === 1 ? [one] : [])]);
  return allowedUsers.some((user) => known.includes(user) || isSameEmail(user, email));
}

function isSameEmail(user: string, email: string | undefined): boolean {
  return email !== undefined && isOneAddress(email) && user.toLowerCase() === email.toLowerCase();
}

/** S2-55: exactly one `@`. `*.example.com` is everything below example.com, not itself. */
function isInDomains(email: string, domains: readonly string[]): boolean {
  if (!isOneAddress(email)) return false;
  const domain = email.slice(email.indexOf("@") + 1).toLowerCase();
  return domains.some((allowed) =>
    allowed.startsWith("*.")
      ? domain.endsWith(allowed.slice(1)) && domain.length > allowed.length - 1
      : domain === allowed
  );
}

function isOneAddress(email: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(email);
}
