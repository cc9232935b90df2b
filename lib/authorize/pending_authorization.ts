// A checked authorization request between the page and the user's answer: sealed in the form, bound to the browser.
import { OAuthError } from "../oauth/errors.ts";
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface PendingAuthorization {
  request: AuthorizationRequest;
  /** From `recogniseBrowser`. */
  binding: string;
}

export function sealPending(sealer: Sealer, pending: PendingAuthorization, expiresAt: number): string {
  return sealer.seal("authorization", pending, expiresAt);
}

/** @throws OAuthError `invalid_request` for the error page: the form is not ours, was changed, or took too long */
export function openPending(sealer: Sealer, sealed: string | undefined, resource: string): PendingAuthorization {
  const opened = sealed === undefined ? undefined : sealer.open("authorization", sealed);
  if (opened === "expired") {
    throw new OAuthError("invalid_request", "this page was open for too long; start again from your MCP client");
  }
  const pending = opened?.value as PendingAuthorization | undefined;
  if (pending === undefined || pending.request.resource !== resource) {
    throw new OAuthError("invalid_request", "this form was not made by this server; start again from your MCP client");
  }
  return pending;
}
