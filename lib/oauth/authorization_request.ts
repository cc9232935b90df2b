// The parameters of /authorize (RFC 6749 §4.1.1), checked in two steps: what must hold before the redirect URI may be
// used for anything, and the rest, whose errors already go to the client.
import { OAuthError } from "./errors.ts";
import { type Parameters, requireParameter } from "./parameters.ts";
import { isCodeChallenge } from "./pkce.ts";
import { isSameResource } from "./resource_indicator.ts";
import { narrowScope, parseScope } from "./scope.ts";

/** A checked authorization request: everything in it was validated against the client and the resource. */
export interface AuthorizationRequest {
  clientId: string;
  redirectUri: string;
  /** The canonical URI of the resource, whatever spelling the client used. */
  resource: string;
  scope: readonly string[];
  codeChallenge: string;
  /** Byte for byte what the client sent; absent when it sent none. */
  state?: string;
}

/** What the second step checks against. */
export interface RequestedResource {
  /** Canonical URI. */
  resource: string;
  /** Scopes that the resource knows; may be empty. */
  supportedScopes: readonly string[];
  /** Other scopes are somebody else's to know: they are kept instead of being narrowed away. */
  openScopes?: boolean;
}

/**
 * The rest of the request, once client and redirect URI are trusted.
 *
 * @throws OAuthError to be sent to the client by redirect (RFC 6749 §4.1.2.1)
 */
export function parseAuthorizationRequest(parameters: Parameters, against: RequestedResource): AuthorizationRequest {
  const responseType = requireParameter(parameters, "response_type");
  if (responseType !== "code") throw new OAuthError("unsupported_response_type", "response_type must be code");
  if ((parameters.response_mode ?? "query") !== "query") {
    throw new OAuthError("invalid_request", "response_mode must be query");
  }
  if (parameters.request !== undefined || parameters.request_uri !== undefined) {
    throw new OAuthError("invalid_request", "request objects are not supported; send plain parameters");
  }
  const codeChallenge = requireParameter(parameters, "code_challenge");
  if (parameters.code_challenge_method !== "S256") {
    throw new OAuthError("invalid_request", "code_challenge_method must be S256");
  }
  if (!isCodeChallenge(codeChallenge)) {
    throw new OAuthError("invalid_request", "code_challenge must be 43 characters of base64url (RFC 7636)");
  }
  checkResource(parameters.resource, against.resource);
  return {
    clientId: requireParameter(parameters, "client_id"),
    redirectUri: requireParameter(parameters, "redirect_uri"),
    resource: against.resource,
    scope: chooseScope(parseScope(parameters.scope), against),
    codeChallenge,
    ...(parameters.state === undefined ? {} : { state: parameters.state }),
  };
}

function chooseScope(requested: readonly string[], { supportedScopes, openScopes }: RequestedResource): string[] {
  return openScopes && requested.length > 0 ? [...requested] : narrowScope(requested, supportedScopes);
}

/** @throws OAuthError `invalid_target` when a `resource` was sent and is another one (RFC 8707 §2) */
export function checkResource(requested: string | undefined, resource: string): void {
  if (requested !== undefined && !isSameResource(requested, resource)) {
    throw new OAuthError("invalid_target", `resource must be ${resource}`);
  }
}
