// The user pastes an API key; it is the downstream's credential. Nothing to renew, nobody to ask; only a key that the
// downstream refuses again and again ends the grant, so that the user gets to paste another.
import type { PassthroughConfig, Resource } from "../config/config.ts";
import { credentialHeader } from "../http/credential_header.ts";
import type { Log } from "../telemetry/log.ts";
import type { RefusedCredentials } from "./refused_credentials.ts";
import type { Strategy } from "./strategy.ts";

const maxKeyLength = 4096;
const verifyTimeoutMs = 10_000;

export function passthrough(
  resource: Resource,
  config: PassthroughConfig,
  tools: { fetch: typeof fetch; log: Log; refusedCredentials: RefusedCredentials },
): Strategy {
  async function isAccepted(url: string, key: string): Promise<boolean> {
    const [name, value] = credentialHeader(resource.authHeaderFormat, key);
    try {
      const answer = await tools.fetch(url, {
        headers: { [name]: value, accept: "application/json", "user-agent": "mcp-oauth-proxy" },
        redirect: "manual",
        signal: AbortSignal.timeout(verifyTimeoutMs),
      });
      await answer.body?.cancel();
      return answer.status !== 401 && answer.status !== 403;
    } catch (error) {
      // Down is not wrong: the key may be right, and the downstream will say at the first call.
      tools.log.warning("key_not_verified", { resource: resource.name, error });
      return true;
    }
  }

  return {
    keyField: {
      hint: config.authHint ?? `Paste your API key or token for ${resource.displayName}.`,
    },
    async begin(_request, form) {
      const key = (form.token ?? "").trim();
      const problem = problemWith(key);
      if (problem !== undefined) return { kind: "again", problem };
      if (config.verifyUrl !== undefined && !await isAccepted(config.verifyUrl, key)) {
        return {
          kind: "again",
          problem:
            `${resource.displayName} does not accept this key. Check that you copied all of it, and that it has not been revoked.`,
        };
      }
      return { kind: "granted", approval: { credential: { value: key } } };
    },
    finish: () => Promise.reject(new TypeError("passthrough has no provider")),
    async renew(grant, now) {
      if (grant.credential !== undefined) await tools.refusedCredentials.check(grant.id, grant.credential.value, now);
      return grant;
    },
    async replace({ grantId }, refused, now) {
      await tools.refusedCredentials.note(grantId, refused, now);
      return undefined;
    },
  };
}

/** A key travels in a header, so it is visible ASCII; inner spaces are allowed for `Basic`-like pairs. */
function problemWith(key: string): string | undefined {
  if (key === "") return "Paste the key first.";
  if (key.length > maxKeyLength) {
    return `This is longer than ${maxKeyLength} characters, too long for a key. Paste only the key.`;
  }
  return /^[\x21-\x7E]+( [\x21-\x7E]+)*$/.test(key)
    ? undefined
    : "This holds line breaks or characters that no key has. Paste only the key.";
}
