// Our proxy as the bench runs it: the compiled binary with everything on. Its tokens are minted with its configuration and
// secret instead of a sign-in.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import { createMint } from "../support/minted_tokens.ts";
import type { Contender } from "./contender.ts";
import { downstreamKey } from "./downstream.ts";
import type { Settings } from "./section.ts";
import { startPinned } from "./started_process.ts";

/** 32 bytes that were drawn at random once; they protect nothing. */
const stateSecret = "q83/DUV9l6dQ0mUoZ6Ti9cVqS8Bw4yTpoZ1mC3k7Jx0=";

export interface OursOptions {
  /** Where the downstream `bench` forwards to. */
  downstreamUrl: string;
  /** Lines of the [server] table. */
  server?: string;
  /** Tables. */
  toml?: string;
  /** Program and arguments instead of the binary's. */
  command?: readonly string[];
  /** After the configuration. */
  args?: readonly string[];
  env?: Record<string, string>;
  name?: string;
  /** Instead of the proxy's one core. */
  cores?: readonly number[];
}

export interface Ours extends Required<Contender> {
  origin: string;
  /** The whole configuration: tokens and codes are minted with it. */
  toml: string;
  /** An access token of a passthrough downstream, `bench` when absent; each of another user. */
  token(downstream?: string): Promise<string>;
}

/** Starts it with its log, at `info`, going to a file. */
export async function startOurs(settings: Settings, options: OursOptions): Promise<Ours> {
  const { cores, folder, binary } = settings;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const toml = benchConfig(port, options);
  const name = options.name ?? "mcp-oauth-proxy";
  const file = join(folder, `ours-${port}.toml`);
  writeFileSync(file, toml);
  const process = await startPinned({
    name: `ours-${port}`,
    command: [...(options.command ?? [binary]), "serve", "-c", file, ...(options.args ?? [])],
    cores: options.cores ?? [cores.proxy],
    folder,
    env: { LOG_LEVEL: "info", ...options.env },
    port,
  });
  const mint = createMint(toml);
  let users = 0;
  const token = (downstream = "bench") =>
    mint(downstream, { grantId: `user-${String(users++).padStart(17, "0")}`, credential: { value: downstreamKey } });
  return { name, origin, url: `${origin}/mcp/bench`, toml, process, token };
}

/** A passthrough downstream and a login; limits are on, and so far away that they refuse nobody. */
export function benchConfig(port: number, { downstreamUrl, server = "", toml = "" }: OursOptions): string {
  return `[server]
host = "127.0.0.1"
port = ${port}
public_url = "http://127.0.0.1:${port}"
state_secret = "${stateSecret}"
${server}

[log]
format = "json"

[rate_limit]
per_address = 1000000
per_client = 1000000

[client.bench]
name = "Bench"
redirect_uris = ["http://127.0.0.1:9/callback"]

[provider.github]
client_id = "bench"
client_secret = "bench"

[downstream.bench]
display_name = "Bench"
strategy = "passthrough"
downstream_url = "${downstreamUrl}"
auth_header_format = "X-Api-Key"

[downstream.signin]
display_name = "Sign-in"
strategy = "login"
provider = "github"
allow_everyone = true
${toml}
`;
}
