// Authorization codes as a running proxy would issue them, made with its configuration and secret instead of a sign-in; and the
// requests that redeem them.
import { createHash, randomBytes } from "node:crypto";
import { parseConfig } from "../../lib/config/load.ts";
import type { Grant } from "../../lib/oauth/grant.ts";
import { sealAuthorizationCode } from "../../lib/tokens/authorization_code.ts";
import { randomId } from "../../lib/tokens/random_id.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { rawRequest } from "./raw_requests.ts";
import { downstreamKey } from "./downstream.ts";
import type { Ours } from "./ours.ts";

const redirectUri = "http://127.0.0.1:9/callback";

/** Complete requests to /token, each with a fresh code of another user. @param downstream of `benchConfig` */
export function createTokenRequests(
  { toml, origin }: Pick<Ours, "toml" | "origin">,
  downstream: "bench" | "signin",
): (count: number) => string[] {
  const config = parseConfig(toml);
  const now = () => Math.floor(Date.now() / 1000);
  const sealer = createSealer([config.server.stateSecret], now);
  const resource = config.resources.find(({ name }) => name === downstream)!;

  function redemption(): string {
    const verifier = randomBytes(32).toString("base64url");
    const subject = randomId();
    const grant: Grant = {
      id: randomId(),
      clientId: "bench",
      resource: resource.urls.resource,
      scope: [],
      grantedAt: now(),
      ...(downstream === "bench"
        ? { credential: { value: downstreamKey } }
        : { identity: { subject, name: "Ada Lovelace", email: `${subject}@example.com`, groups: ["engineering"] } }),
    };
    const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
    const code = sealAuthorizationCode(sealer, { id: randomId(), grant, redirectUri, codeChallenge }, now() + 300);
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: "bench",
      redirect_uri: redirectUri,
      code_verifier: verifier,
      code,
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    return rawRequest("POST", `${origin}/token/mcp/${downstream}`, { headers, body: body.toString() });
  }

  return (count) => Array.from({ length: count }, redemption);
}

/** What a token response has to hold. */
export function isTokenResponse({ status, body }: { status: number; body: string }): boolean {
  return status === 200 && body.includes('"access_token":"ey') && body.includes('"refresh_token":"ey');
}
