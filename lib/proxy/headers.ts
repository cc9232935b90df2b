// Which headers cross the proxy (RFC 9110 §7.6.1, MCP Streamable HTTP): what is end-to-end goes on, what is about one
// connection, one party or our own login does not.
import { FieldList } from "../http1/field_list.ts";
import { fieldValue } from "../http1/grammar.ts";
import { OAuthError } from "../oauth/errors.ts";

/** RFC 9110 §7.6.1, and the two that only ever mean one hop. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The client's own business with us, and claims about who it is that only we could make. */
const neverUp = new Set([
  ...hopByHop,
  "accept-encoding",
  "authorization",
  "content-length",
  "cookie",
  "expect",
  "fastly-client-ip",
  "fly-client-ip",
  "forwarded",
  "host",
  // Ours to check: the downstream knows only its own origin and would refuse.
  "origin",
  "referer",
  "remote-email",
  "remote-groups",
  "remote-name",
  "remote-user",
  "true-client-ip",
  "via",
  "x-authenticated-user",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-real-ip",
  "x-remote-user",
  "x-user",
]);

/** Also what sends a request elsewhere at the MCP server's side (IIS, Envoy), and who somebody is to the usual access proxies. */
const neverUpPrefixes = [
  "cf-",
  "tailscale-",
  "x-amzn-oidc-",
  "x-auth-request-",
  "x-authentik-",
  "x-envoy-",
  "x-forwarded-",
  "x-goog-authenticated-user-",
  "x-goog-iap-",
  "x-ms-client-principal",
  "x-original-",
  "x-pomerium-",
  "x-rewrite-",
  "x-vouch-",
  "x-webauth-",
];

/**
 * What would act on our origin, or on the reverse proxy in front of us, in the downstream's name. The reporting headers would
 * have a browser tell the downstream each URL of ours that it asks for from then on, codes included (Network Error Logging §4).
 */
const neverDown = new Set([
  ...hopByHop,
  "accept-ch",
  "alt-svc",
  "clear-site-data",
  "content-security-policy",
  "content-security-policy-report-only",
  "edge-control",
  "expect-ct",
  "nel",
  "origin-agent-cluster",
  "public-key-pins",
  "public-key-pins-report-only",
  "refresh",
  "report-to",
  "reporting-endpoints",
  "secure-session-registration",
  "service-worker-allowed",
  "set-cookie",
  "set-cookie2",
  "set-login",
  "strict-transport-security",
  "surrogate-control",
  "use-as-dictionary",
  "www-authenticate",
  "x-content-type-options",
  "x-litespeed-location",
  "x-lighttpd-send-file",
  "x-reproxy-url",
  "x-sendfile",
  "x-sendfile2",
]);

const neverDownPrefixes = ["access-control-", "x-accel-"];

/**
 * The headers of the request to the downstream. Asks for an unencoded answer: keepalives and the legacy endpoint can't be
 * put into a compressed stream; and Deno decodes answers, but leaves their headers, unless it was told what to accept.
 *
 * @param credential name and value as `credentialHeader` writes them; absent: none is sent
 * @throws OAuthError `invalid_token` when the credential can't stand in a header
 */
export function headersForDownstream(client: Headers, credential?: readonly [name: string, value: string]): FieldList {
  const named = namedByConnection(client);
  const own = credential === undefined ? undefined : withHyphens(credential[0]);
  const fields = new FieldList();
  client.forEach((value, name) => {
    const plain = goesUpAs(name);
    if (plain !== undefined && plain !== own && !named?.has(plain)) fields.append(name, value);
  });
  fields.append("accept-encoding", "identity");
  if (credential !== undefined) appendCredential(fields, credential);
  return fields;
}

/** The headers of the answer to the client. */
export function headersForClient(downstream: FieldList): FieldList {
  const named = namedByConnection(downstream);
  // RFC 9112 §6.3: beside a transfer coding a length says nothing, and who believes it reads the rest as another answer.
  const isCoded = downstream.has("transfer-encoding");
  const fields = new FieldList();
  const { parts } = downstream;
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i]!;
    if (goesDownAs(name) === undefined || named?.has(name) || (isCoded && name === "content-length")) continue;
    fields.append(name, parts[i + 1]!);
  }
  fields.append("x-content-type-options", "nosniff");
  // Should a cache ever hand it to a browser: a page of the downstream's runs nothing on the origin of the consent page.
  fields.append("content-security-policy", "sandbox; default-src 'none'");
  return fields;
}

const goesUpAs = remembered(withHyphens, neverUp, neverUpPrefixes);
const goesDownAs = remembered((name) => name.toLowerCase(), neverDown, neverDownPrefixes);

/**
 * A header's name in the form by which it is judged; undefined for one that stays behind. Few names make up nearly all headers,
 * so the judgement of the first ones is kept.
 */
function remembered(
  formOf: (name: string) => string,
  never: ReadonlySet<string>,
  neverPrefixes: readonly string[],
): (name: string) => string | undefined {
  const judgements = new Map<string, string | null>();
  return (name) => {
    const known = judgements.get(name);
    if (known !== undefined) return known ?? undefined;
    const form = formOf(name);
    const goes = !never.has(form) && !neverPrefixes.some((prefix) => form.startsWith(prefix));
    if (judgements.size < 500 && name.length < 64) judgements.set(name, goes ? form : null);
    return goes ? form : undefined;
  };
}

/** The options of `Connection` are header names (RFC 9110 §7.6.1). Undefined where it names none but the usual ones. */
function namedByConnection(headers: Headers | FieldList): Set<string> | undefined {
  const connection = headers.get("connection");
  if (connection === null || /^(keep-alive|close)$/i.test(connection)) return undefined;
  return new Set(connection.split(",").map((name) => withHyphens(name.trim().toLowerCase())));
}

/** Servers that turn headers into variables (CGI, WSGI) can't tell `x_api_key` from `x-api-key`; so a copy in either spelling is one. */
function withHyphens(name: string): string {
  return name.includes("_") ? name.toLowerCase().replaceAll("_", "-") : name.toLowerCase();
}

function appendCredential(fields: FieldList, [name, value]: readonly [string, string]): void {
  if (!fieldValue.test(value)) {
    throw new OAuthError("invalid_token", "the stored credential can't be sent in a header; authorize again");
  }
  fields.append(name, value);
}
