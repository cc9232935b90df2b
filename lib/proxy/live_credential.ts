// The credential of a live access token may have been renewed since the token was issued, or be dead before the token is.
import type { Resource } from "../config/config.ts";
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
  send(as: Authenticated): Promise<Response>;
}

/** The user, with the newest credential that this process knows. */
export function withCurrentCredential(strategy: Strategy, user: Authenticated): Authenticated {
  const credential = strategy.current?.(user.access);
  return credential === undefined ? user : { ...user, access: { ...user.access, credential } };
}

/**
 * Sends the request. When the downstream answers 401 the strategy gets to renew the credential, and the request is sent once
 * more (S1-46): a 401 says that nothing was carried out. Whatever comes then is the answer.
 */
export function sendWithLiveCredential(tools: LiveTools, request: LiveRequest): Promise<Response> {
  const current = withCurrentCredential(tools.strategy, request.user);
  return request.send(current).then((answer) =>
    answer.status === 401 ? sendRenewed(tools, request, { answer, current }) : answer
  );
}

async function sendRenewed(
  { strategy, revocations, now }: LiveTools,
  { resource, user, isRepeatable, send }: LiveRequest,
  { answer, current }: { answer: Response; current: Authenticated },
): Promise<Response> {
  const refused = current.access.credential;
  // With raw access tokens the client holds the credential itself; there is no grant to renew.
  if (refused === undefined || resource.rawAccessTokens) return answer;
  const credential = await strategy.replace?.(user.access, refused, now());
  if (credential === undefined) return answer;
  // Revoked while the provider was asked: what it gave just now must not outlive that.
  if (await revocations.isRevoked(user.access.grantId, { askNow: true })) {
    await strategy.revoke?.({ id: user.access.grantId, grantedAt: now() });
    return answer;
  }
  if (!isRepeatable) return answer;
  void answer.body?.cancel().catch(() => {}); // its connection breaks or goes back; nobody waits for either
  return await send({ ...current, access: { ...current.access, credential } });
}
