// Remembers tokens that were opened before. Only tokens that opened are kept, so garbage can't flood it; two generations
// instead of a recency list, because reordering a Map costs more than opening a token.
import type { Access } from "./access_token.ts";

export interface OpenedTokens {
  get(token: string): Access | undefined;
  set(token: string, access: Access): void;
}

/** Holds at most twice `maxEntries` tokens; whoever reads checks the expiry and revocation at every hit. */
export function createOpenedTokens({ maxEntries }: { maxEntries: number }): OpenedTokens {
  let young = new Map<string, Access>();
  let old = new Map<string, Access>();

  function set(token: string, access: Access): void {
    if (young.size >= maxEntries) {
      old = young;
      young = new Map();
    }
    young.set(token, access);
  }

  return {
    set,
    get(token) {
      const access = young.get(token);
      if (access !== undefined) return access;
      const kept = old.get(token);
      if (kept !== undefined) set(token, kept);
      return kept;
    },
  };
}
