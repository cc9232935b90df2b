// Credentials that can't be renewed and that the downstream no longer takes: a key the user revoked, a token without a refresh
// token. Issuing tokens for them again and again would lock the user out for good, because a client whose refresh succeeds
// never asks to authorize anew. One refusal may be a hiccup; one that repeats right after a re-issue is the end.
import { createHash } from "node:crypto";
import { OAuthError } from "../oauth/errors.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

export interface RefusedCredentials {
  /** The downstream answered 401 to `value`. Never throws. */
  note(grantId: string, value: string, now: number): Promise<void>;
  /** Before `value` is issued again. @throws OAuthError `invalid_grant` when the downstream refused it before and after the last re-issue */
  check(grantId: string, value: string, now: number): Promise<void>;
}

interface Mark {
  /** Of the credential's value. */
  hash: string;
  state: "refused" | "reissued" | "ended";
  at: number;
}

const rememberedSeconds = 600;
/** A client tries a fresh token at once; a refusal that comes later is a new one. */
const retrySeconds = 30;
const endedSeconds = 30 * 86_400;

export function createRefusedCredentials({ store, log }: { store: Store; log: Log }): RefusedCredentials {
  async function read(grantId: string, value: string): Promise<Mark | undefined> {
    const text = await store.get(`refused:${grantId}`);
    const mark = text === undefined ? undefined : JSON.parse(text) as Mark;
    return mark?.hash === hashOf(value) ? mark : undefined;
  }

  function write(grantId: string, mark: Mark): Promise<void> {
    const lifetimeSeconds = mark.state === "ended" ? endedSeconds : rememberedSeconds;
    return store.put(`refused:${grantId}`, JSON.stringify(mark), mark.at + lifetimeSeconds);
  }

  return {
    async note(grantId, value, now) {
      try {
        const mark = await read(grantId, value);
        if (mark?.state === "ended") return;
        const again = mark?.state === "reissued" && now - mark.at <= retrySeconds;
        await write(grantId, { hash: hashOf(value), state: again ? "ended" : "refused", at: now });
      } catch (error) {
        log.warning("refusal_not_remembered", { grant: grantId, error });
      }
    },
    async check(grantId, value, now) {
      let mark: Mark | undefined;
      try {
        mark = await read(grantId, value);
        if (mark?.state === "refused") await write(grantId, { ...mark, state: "reissued", at: now });
      } catch (error) {
        log.warning("refusal_not_remembered", { grant: grantId, error });
      }
      if (mark?.state === "ended") {
        throw new OAuthError(
          "invalid_grant",
          "the MCP server no longer accepts this credential; the user must authorize again",
        );
      }
    },
  };
}

function hashOf(value: string): string {
  return createHash("sha256").update(value).digest("base64url").slice(0, 22);
}
