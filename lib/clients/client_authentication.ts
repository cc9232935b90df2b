// How a client shows at the token endpoint who it is (RFC 6749 §2.3): none, client_secret_basic, client_secret_post, private_key_jwt.
import { createHash, timingSafeEqual } from "node:crypto";
import { OAuthError } from "../oauth/errors.ts";
import type { Parameters } from "../oauth/parameters.ts";
import { checkClientAssertion, type ClientAssertionTools, readAssertionSubject } from "./client_assertion.ts";
import type { Client } from "./client.ts";

export interface ClientCredentials {
  /** The Authorization header. */
  authorization: string | null;
  /** Of the form body. */
  parameters: Parameters;
  /** What a client assertion may name as its audience. */
  audiences: readonly string[];
}

/** What came with the request; `secrets` are the spellings that the one secret may have. */
type Presented =
  | { method: "none"; clientId: string | undefined }
  | { method: "client_secret"; clientId: string | undefined; secrets: readonly string[] }
  | { method: "private_key_jwt"; clientId: string | undefined; assertion: string };

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * The client that sent the request, once it has proved to be that in the way it registered.
 *
 * @throws OAuthError `invalid_request` for more than one method or none at all, `invalid_client` when the proof fails
 */
export async function authenticateClient(tools: ClientAssertionTools, credentials: ClientCredentials): Promise<Client> {
  const presented = readCredentials(credentials);
  const { clientId } = presented;
  if (clientId === undefined) throw new OAuthError("invalid_request", "client_id is required");
  const stated = credentials.parameters.client_id;
  if (stated !== undefined && stated !== clientId) {
    throw new OAuthError("invalid_request", "client_id differs from the client that the request authenticates");
  }
  const client = await tools.clients.find(clientId);
  await checkProof(tools, client, { presented, audiences: credentials.audiences });
  return client;
}

/** RFC 6749 §2.3: a client must not use more than one method in each request. */
function readCredentials({ authorization, parameters }: ClientCredentials): Presented {
  const { client_id: clientId, client_secret, client_assertion, client_assertion_type } = parameters;
  const basic = authorization === null ? undefined : parseBasic(authorization);
  const methods = [basic, client_secret, client_assertion ?? client_assertion_type].filter((used) =>
    used !== undefined
  );
  if (methods.length > 1) {
    throw new OAuthError(
      "invalid_request",
      "use one way to authenticate the client: Basic, client_secret or client_assertion",
    );
  }
  if (basic !== undefined) return basic;
  if (client_secret !== undefined) return { method: "client_secret", clientId, secrets: [client_secret] };
  if (client_assertion === undefined && client_assertion_type === undefined) return { method: "none", clientId };
  if (client_assertion === undefined || client_assertion_type !== jwtBearer) {
    throw new OAuthError("invalid_request", `client_assertion goes with client_assertion_type=${jwtBearer}`);
  }
  return {
    method: "private_key_jwt",
    clientId: clientId ?? readAssertionSubject(client_assertion),
    assertion: client_assertion,
  };
}

/**
 * RFC 7617 with the form encoding of RFC 6749 §2.3.1. Many clients leave the encoding out, so the text as it stands counts as
 * well. An empty password is no secret: some public clients name themselves this way.
 */
function parseBasic(authorization: string): Presented | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_-]+=*) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) {
    if (!/^Basic\b/i.test(authorization)) {
      throw new OAuthError("invalid_request", "the Authorization header must be Basic");
    }
    throw new OAuthError("invalid_client", "the Basic credentials can't be read");
  }
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 1) throw new OAuthError("invalid_client", "the Basic credentials must be client_id:client_secret");
  const clientId = formDecode(pair.slice(0, colon)) ?? pair.slice(0, colon);
  const secret = pair.slice(colon + 1);
  if (secret === "") return { method: "none", clientId };
  return { method: "client_secret", clientId, secrets: [secret, formDecode(secret) ?? secret] };
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // a bare % sign: not encoded at all
  }
}

/** The method that a client registered is the only one it may use (RFC 7591 §2); the two ways of a secret count as one. */
async function checkProof(
  tools: ClientAssertionTools,
  client: Client,
  { presented, audiences }: { presented: Presented; audiences: readonly string[] },
): Promise<void> {
  const { authentication } = client;
  if (authentication.method === "private_key_jwt") {
    if (presented.method === "none" && authentication.orNone === true) return;
    if (presented.method !== "private_key_jwt") throw wrongMethod("a client_assertion (private_key_jwt)");
    return checkClientAssertion(tools, client, { assertion: presented.assertion, audiences });
  }
  if (authentication.method === "none") {
    if (presented.method !== "none") throw wrongMethod("its client_id alone (none)");
    return;
  }
  if (presented.method !== "client_secret") throw wrongMethod("its client_secret");
  const expected = authentication.secret.reveal();
  const matches = presented.secrets.map((secret) => isSame(secret, expected));
  if (!matches.includes(true)) throw new OAuthError("invalid_client", "the client_secret is wrong");
}

/** Constant-time, whatever the lengths. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function wrongMethod(expected: string): OAuthError {
  return new OAuthError("invalid_client", `this client registered to authenticate with ${expected}`);
}
