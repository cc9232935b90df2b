// The credential of a live access token may have been renewed since the token was issued, or be dead before the token is.
import type { Resource } from "../config/config.ts";
import type { Answer } from "../http1/answer.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Strategy } from "../strategies/strategy.ts";
import type { Authenticated } from "./bearer_authentication.ts";

export interface LiveTools {
  strategy: Strategy;
  revocations: Pick<Revocations, "isRevoked">;
  now: () => number;
}

export interface LiveRequest {
  resource: Resource;
  user: Authenticated;
  /** The body is at hand, so the request can be sent once more. */
  isRepeatable: boolean;
  send(as: Authenticated): Promise<Answer>;
}

/** The user, with the newest credential that this process knows. */
export function withCurrentCredential(strategy: Strategy, user: Authenticated): Authenticated {
  const credential = strategy.current?.(user.access);
  return credential === undefined ? user : { ...user, access: { ...user.access, credential } };
}

/**
 * When the downstream answers 401 the strategy gets to renew the credential, and the request is sent once more (S1-46): a 401
 * says that nothing was carried out. Whatever comes then is the answer.
 *
 * @param refused the answer, and the user as the request was sent for
 */
export async function sendRenewed(
  { strategy, revocations, now }: LiveTools,
  { resource, user, isRepeatable, send }: LiveRequest,
  refused: { answer: Answer; current: Authenticated },
): Promise<Answer> {
  const { answer, current } = refused;
  const refusedCredential = current.access.credential;
  // With raw access tokens the client holds the credential itself; there is no grant to renew.
  if (refusedCredential === undefined || resource.rawAccessTokens) return answer;
  const credential = await strategy.replace?.(user.access, refusedCredential, now());
  if (credential === undefined) return answer;
  // Revoked while the provider was asked: what it gave just now must not outlive that.
  if (await revocations.isRevoked(user.access.grantId, { askNow: true })) {
    await strategy.revoke?.({ id: user.access.grantId, grantedAt: now() });
    return answer;
  }
  if (!isRepeatable) return answer;
  answer.discard();
  return await send({ ...current, access: { ...current.access, credential } });
}
