// [server], [tokens], [store], [rate_limit], [log] and [metrics]: values that are legal one by one and have to be so together.
import { createPrivateKey } from "node:crypto";
import { isIP } from "node:net";
import type { Config, LogLevel, RateLimitConfig, ServerConfig, TokensConfig } from "./config.ts";
import { logLevelFrom, readVariable, stateSecretVariable } from "./environment.ts";
import { got, type Place } from "./problems.ts";
import { type Reading, readTable, type Table } from "./read_table.ts";
import { logKeys, metricsKeys, rateLimitKeys, serverKeys, storeKeys, tokensKeys } from "./schema.ts";
import { type Secret, secret } from "./secrets.ts";
import { parseStateSecret } from "./state_secret.ts";
import { isLoopbackHost } from "./url_rules.ts";

export function validateServer(file: Table, reading: Reading): ServerConfig {
  const fromEnv = readVariable(reading.sources.env, stateSecretVariable);
  const inFile = file.server ?? {};
  const table = fromEnv !== undefined && typeof inFile === "object" ? { ...inFile, state_secret: fromEnv } : inFile;
  const values = readTable(serverKeys, { table, place: at("server") }, reading);
  const secretPlace = fromEnv === undefined ? at("server.state_secret") : { path: stateSecretVariable, source: "" };
  return {
    host: values.host,
    port: values.port,
    publicUrl: canonicalPublicUrl(values.public_url, reading),
    stateSecret: checkedStateSecret(values.state_secret, secretPlace, reading),
    previousStateSecrets: values.previous_state_secrets.map((previous) =>
      checkedStateSecret(previous, at("server.previous_state_secrets"), reading)
    ),
    retiredStateSecrets: values.retired_state_secrets.map((retired) =>
      checkedStateSecret(retired, at("server.retired_state_secrets"), reading)
    ),
    authCodeTtlSeconds: values.auth_code_ttl,
    loginTtlSeconds: values.login_ttl,
    trustedProxies: values.trusted_proxies.map((address) => canonicalCidr(address, reading)),
    allowedOrigins: values.allowed_origins.map((origin) => origin.toLowerCase()),
    bodyLimitBytes: values.body_limit,
    connectTimeoutSeconds: values.connect_timeout,
    idleTimeoutSeconds: values.idle_timeout,
    sseKeepaliveSeconds: values.sse_keepalive,
    shutdownGraceSeconds: values.shutdown_grace,
    publicIndex: values.public_index,
  };
}

/** Each is published in the JWKS, and derived when the process starts. */
const maxLiveKeys = 400;

export function validateTokens(file: Table, reading: Reading): TokensConfig {
  const values = readTable(tokensKeys, { table: file.tokens, place: at("tokens") }, reading);
  if (values.private_key_file !== undefined) {
    const problem = signingKeyProblem(values.private_key_file);
    if (problem !== undefined) reading.problems.add(at("tokens.private_key_file"), problem);
  } else if (values.access_token_ttl / values.signing_key_rotation > maxLiveKeys) {
    const shortest = Math.ceil(values.access_token_ttl / maxLiveKeys);
    reading.problems.add(
      at("tokens.signing_key_rotation"),
      `is too short for access_token_ttl = ${values.access_token_ttl}: each key is known until its last token has expired, and ` +
        `more than ${maxLiveKeys} would be; write ${shortest} or more`,
    );
  }
  return {
    accessTokenTtlSeconds: values.access_token_ttl,
    refreshTokenTtlSeconds: values.refresh_token_ttl,
    refreshGraceSeconds: values.refresh_grace,
    signingKeyRotationSeconds: values.signing_key_rotation,
    privateKey: values.private_key_file,
  };
}

export function validateStore(file: Table, reading: Reading): Config["store"] {
  const { url } = readTable(storeKeys, { table: file.store, place: at("store") }, reading);
  const text = url.reveal();
  const isKnown = text === "memory:" || /^sqlite:./.test(text) || (/^rediss?:\/\/./.test(text) && URL.canParse(text));
  if (!isKnown && text !== "") {
    reading.problems.add(at("store.url"), "must be memory:, sqlite:PATH, redis://host:6379/0 or rediss://host:6379/0");
  }
  return { url };
}

export function validateRateLimit(file: Table, reading: Reading): RateLimitConfig {
  const values = readTable(rateLimitKeys, { table: file.rate_limit, place: at("rate_limit") }, reading);
  return { perAddress: values.per_address, perClient: values.per_client };
}

/** @param isTerminal whether people read the log as it is written: text is the default then */
export function validateLog(file: Table, isTerminal: boolean, reading: Reading): Config["log"] {
  const values = readTable(logKeys, { table: file.log, place: at("log") }, reading);
  const level: LogLevel = logLevelFrom(reading.sources.env, reading.problems) ?? values.level;
  return { level, format: values.format ?? (isTerminal ? "text" : "json") };
}

export function validateMetrics(file: Table, reading: Reading): Config["metrics"] {
  const { listen } = readTable(metricsKeys, { table: file.metrics, place: at("metrics") }, reading);
  if (listen === undefined) return undefined;
  const match = /^(\[[0-9a-f:.]+\]|[^:\s/]+):(\d{1,5})$/i.exec(listen);
  if (match === null || Number(match[2]) > 65535) {
    reading.problems.add(at("metrics.listen"), `must be an address and a port, such as "127.0.0.1:9090"${got(listen)}`);
    return undefined;
  }
  return { host: match[1]!.replace(/^\[|\]$/g, ""), port: Number(match[2]) };
}

function at(path: string): Place {
  return { path, source: path };
}

/** Lower-case host and no default port, so that every issuer and resource has one spelling. */
function canonicalPublicUrl(text: string, { warnings }: Reading): string {
  if (text === "") return text;
  const url = new URL(text);
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    warnings.push("server.public_url: is http, so tokens and keys travel in clear; use https for anything but a test");
  }
  if (/\/mcp(\/[^/]*)?$/.test(url.pathname)) {
    warnings.push(
      `server.public_url: clients will use ${text}/mcp/NAME; if that is not what you want, remove ${
        /\/mcp(\/[^/]*)?$/.exec(url.pathname)![0]
      }`,
    );
  }
  return url.origin + url.pathname.replace(/\/$/, "");
}

function checkedStateSecret(given: Secret, place: Place, { problems }: Reading): Secret {
  if (given.reveal() === "") return given; // already reported
  const parsed = parseStateSecret(given);
  if ("secret" in parsed) return parsed.secret;
  problems.add(place, parsed.problem);
  return secret("");
}

function canonicalCidr(address: string, { warnings }: Reading): string {
  const range = address.includes("/") ? address : `${address}/${isIP(address) === 4 ? 32 : 128}`;
  if (range.endsWith("/0")) {
    warnings.push(`server.trusted_proxies: ${range} lets every caller choose the address that limits and logs see`);
  }
  return range;
}

function signingKeyProblem(pem: Secret): string | undefined {
  const remedy = "it must hold the PEM of an RSA (2048 bits or more), EC P-256 or Ed25519 private key";
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem.reveal());
    if (type === "ed25519") return undefined;
    if (type === "rsa" && (details?.modulusLength ?? 0) >= 2048) return undefined;
    if (type === "ec" && details?.namedCurve === "prime256v1") return undefined;
    return remedy;
  } catch {
    return remedy; // what the parser says about key material is not for a log
  }
}
