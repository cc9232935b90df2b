// The MCP server as clients see it: check the token, put the credential in its place, stream both ways. Plain web standards,
// so that it can be mounted anywhere.
import type { Config, Resource } from "../config/config.ts";
import { challengeResponse, jsonError } from "../http/error_responses.ts";
import { type Answer, isReader } from "../http1/answer.ts";
import type { FieldList } from "../http1/field_list.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { RequestContext, RequestTarget } from "../http/routed_request.ts";
import { type ConnectTcp, currentRuntime } from "../runtime/runtime.ts";
import { isReachable } from "../runtime/reachability.ts";
import type { ResourceScopes } from "../scopes/resource_scopes.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Strategies } from "../strategies/create_strategy.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Access, AccessTokens } from "../tokens/access_token.ts";
import type { Sealer } from "../tokens/seal.ts";
import { authenticateBearer, type Authenticated, tokenWasSent } from "./bearer_authentication.ts";
import { downstreamCredential } from "./downstream_credential.ts";
import { answerClient } from "./downstream_answer.ts";
import { createDownstreams, type Downstream } from "./downstreams.ts";
import { ClientLeftError, type Exchange, openExchange } from "./exchange.ts";
import { createForward } from "./forward.ts";
import { headersForDownstream } from "./headers.ts";
import { identityHeaders } from "./identity_headers.ts";
import { joinedQuery } from "./joined_query.ts";
import { legacyEndpoints } from "./legacy_endpoints.ts";
import { allowOrigin, checkOrigin, isPreflight, preflightAnswer } from "./origin.ts";
import { sendRenewed, withCurrentCredential } from "./live_credential.ts";
import { type OutgoingBody, outgoingBody } from "./request_body.ts";
import { openRecord, type RequestRecord } from "./request_record.ts";
import { openToolGate } from "./tool_gate.ts";

export interface McpEndpointDeps {
  config: Pick<Config, "server">;
  accessTokens: AccessTokens;
  sealer: Sealer;
  scopes: ResourceScopes;
  strategies: Strategies;
  revocations: Pick<Revocations, "isRevoked">;
  fetch: typeof fetch;
  /** As in ForwardTools. */
  connectTcp: ConnectTcp | undefined;
  log: Log;
  metrics: Pick<Metrics, "streamOpened" | "streamEnded" | "bytesCarried">;
  now: () => number;
  /** As in ForwardTools; for tests. */
  reuseConnectionsWithinMs?: number;
}

export type McpEndpoint = (request: Request, resource: Resource, context: RequestContext) => Promise<Response>;

/** Never throws an OAuthError: refusals are answered here, because browsers may only read them with CORS headers. */
export function mcpEndpoint(deps: McpEndpointDeps): McpEndpoint {
  const { config: { server }, accessTokens, log } = deps;
  const runtime = currentRuntime();
  const legacy = legacyEndpoints(deps.sealer);
  const downstreamOf = createDownstreams({ ...deps, idleTimeoutSeconds: server.idleTimeoutSeconds });
  const forward = createForward({
    fetch: deps.fetch,
    fetchOptions: runtime.outgoingFetchOptions,
    resendsBodies: runtime.resendsBodies,
    connectTcp: deps.connectTcp,
    isReachable,
    connectTimeoutMs: server.connectTimeoutSeconds * 1000,
    reuseConnectionsWithinMs: deps.reuseConnectionsWithinMs,
    log,
  });

  return (request, resource, context) => {
    const origin = request.headers.get("origin");
    return origin === null ? serve(request, resource, context) : serveBrowser(origin, request, resource, context);
  };

  async function serveBrowser(
    origin: string,
    request: Request,
    resource: Resource,
    context: RequestContext,
  ): Promise<Response> {
    try {
      checkOrigin(origin, server, resource.urls.resource);
    } catch (error) {
      return await refusal(error, request, resource);
    }
    if (isPreflight(request)) return preflightAnswer(request, origin);
    const response = await serve(request, resource, context);
    allowOrigin(response.headers, origin);
    return response;
  }

  async function serve(request: Request, resource: Resource, context: RequestContext): Promise<Response> {
    let user: Authenticated;
    let downstream: Downstream;
    let url: URL;
    try {
      user = await authenticateBearer(request.headers.get("authorization"), accessTokens, resource);
      downstream = downstreamOf(resource);
      url = downstreamUrl(context.url, downstream, resource, user);
      if (neverAsked.has(request.method)) return methodNotAllowed();
    } catch (error) {
      return await refusal(error, request, resource);
    }
    context.facts.audited = true;
    const record = openRecord(deps, { requestId: context.facts.requestId, request, resource, access: user.access });
    const exchange = openExchange(context, downstream.exchangeRules, record);
    let response: Response;
    try {
      response = await pass(request, {
        resource,
        user,
        url,
        exchange,
        record,
        traceparent: context.facts.span?.traceparent,
      });
    } catch (error) {
      exchange.cut(error as Error); // an answer that nobody reads any more would keep its connection
      response = await refusal(error, request, resource);
    }
    record.answered(response.status);
    return response;
  }

  async function pass(request: Request, passage: Passage): Promise<Response> {
    const { resource, user, exchange, record } = passage;
    const gate = resource.strategy.kind === "login"
      ? await openToolGate(deps.scopes, { resource, granted: user.access.scope, maxBytes: server.bodyLimitBytes })
      : undefined;
    const body = gate === undefined
      ? await outgoingBody(request, exchange, server.bodyLimitBytes)
      : await gate.authorize(request, exchange, (message) => record.read(message));
    if (gate === undefined) record.sending(body);
    if (body.body !== null && !isReader(body.body)) exchange.count("in", body.body.byteLength);
    const strategy = deps.strategies.of(resource);
    const current = withCurrentCredential(strategy, user);
    let answer = await send(request, current === user ? passage : { ...passage, user: current }, body);
    if (answer.status === 401) {
      const { revocations, now } = deps;
      answer = await sendRenewed({ strategy, revocations, now }, {
        resource,
        user,
        isRepeatable: !isReader(body.body),
        send: (as) => send(request, { ...passage, user: as }, body),
      }, { answer, current });
    }
    return await answerClient(gate === undefined ? answer : await gate.filter(answer, exchange), {
      resource,
      exchange,
      record,
      log,
      sseKeepaliveMs: server.sseKeepaliveSeconds * 1000,
      legacyEdit: legacy.mayAnswer(request) ? legacy.edit(resource, user.access) : undefined,
    });
  }

  function send(
    { method, headers }: Request,
    { resource, user, url, exchange, traceparent }: Passage,
    body: OutgoingBody,
  ): Promise<Answer> {
    const upwards = headersForDownstream(headers, downstreamCredential(resource, user));
    const fields = withIdentity(upwards, resource, user.access);
    if (traceparent !== undefined) fields.set("traceparent", traceparent);
    return forward({ url, method, fields, body, resource: resource.name }, exchange);
  }

  /** @throws OAuthError 404 */
  function downstreamUrl(
    { pathname, search }: RequestTarget,
    { url: published, ownPath }: Downstream,
    resource: Resource,
    { access }: Authenticated,
  ): URL {
    if (pathname !== ownPath && !pathname.replace(/\/$/, "").endsWith(ownPath)) {
      throw new OAuthError("invalid_request", "nothing is published under this path", { status: 404 });
    }
    if (search === "") return published;
    const { endpoint, query } = legacy.open(search.slice(1), resource, access);
    const url = endpoint ?? new URL(published);
    if (query !== "") url.search = joinedQuery(url.search.slice(1), query);
    return url;
  }

  async function refusal(error: unknown, request: Request, resource: Resource): Promise<Response> {
    if (error instanceof ClientLeftError) return new Response(null, { status: 499 });
    if (!(error instanceof OAuthError)) throw error;
    if (error.code === "invalid_token" || error.code === "insufficient_scope") {
      const tokenSent = tokenWasSent(request.headers.get("authorization"));
      return challengeResponse(error, resource, { tokenSent, supported: await deps.scopes.supported(resource) });
    }
    const response = jsonError(error);
    // Unlike the public endpoints: only origins that were checked may read it, see allowOrigin.
    response.headers.delete("access-control-allow-origin");
    return response;
  }
}

/** A request of a known user on its way to the downstream. */
interface Passage {
  resource: Resource;
  user: Authenticated;
  url: URL;
  exchange: Exchange;
  record: RequestRecord;
  traceparent: string | undefined;
}

/** Who is asking, where the operator wants the downstream to know. Whatever the client sent under these names is gone by now. */
function withIdentity(fields: FieldList, { strategy }: Resource, access: Access): FieldList {
  if (strategy.kind === "login" && strategy.identityHeaders) {
    for (const [name, value] of Object.entries(identityHeaders(access))) fields.set(name, value);
  }
  return fields;
}

/** A HEAD would open the downstream's event stream and leave it to itself; an answer to TRACE holds the credential. */
const neverAsked = new Set(["HEAD", "TRACE", "CONNECT"]);

function methodNotAllowed(): Response {
  return new Response(null, { status: 405, headers: { allow: "GET, POST, DELETE, OPTIONS" } });
}
