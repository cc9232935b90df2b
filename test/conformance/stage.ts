// Everything a conformance run stands on: the reference server, and our proxy in front of it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { startScript } from "./node22.ts";

export interface Stage {
  /** The reference server itself; it wants the key as a bearer token. */
  downstreamUrl: string;
  proxy: ProxyProcess;
  /** The reference server through the proxy: resource and issuer. */
  resource: string;
  /** An empty folder for results. */
  folder: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the downstream is called in the proxy's configuration. */
export const downstreamName = "reference";
/** The API key that the downstream wants. */
export const key = "conformance-api-key";
/** Registered in the proxy's configuration. */
export const clientId = "conformance";

/** Starts the reference server and the proxy in front of it. */
export async function setStage(): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  started.defer(() => rm(folder, { recursive: true }));
  const downstream = started.use(await startScript("reference_server/main.ts", key));
  const proxy = started.use(await startProxy({ toml: configuration(downstream.url) }));
  const all = started.move();
  return {
    downstreamUrl: downstream.url,
    proxy,
    resource: `${proxy.url}/mcp/${downstreamName}`,
    folder,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A loopback redirect URI matches on every port (RFC 8252 §7.3); the suite brings its own. */
function configuration(downstreamUrl: string): string {
  return `
[clients]
allow_loopback_metadata = true

[client.${clientId}]
name = "Conformance suite"
redirect_uris = ["http://127.0.0.1/callback"]

[downstream.${downstreamName}]
display_name = "Reference server"
strategy = "passthrough"
downstream_url = "${downstreamUrl}"
auth_header_format = "Bearer"

[rate_limit]
per_address = 0
per_client = 0
`;
}
