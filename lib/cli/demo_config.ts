// The demo's configuration: one downstream for each strategy.
import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/load.ts";
import { apiKey, type DemoServices, host } from "./demo_services.ts";

export function demoConfig(port: number, { keyServer, tokenServer, provider }: DemoServices): Config {
  return parseConfig(
    `
    [server]
    host = "${host}"
    port = ${port}
    public_url = "http://${host}:${port}"
    state_secret = "${randomBytes(32).toString("base64")}"
    shutdown_grace = 1

    [downstream.demo]
    display_name = "Demo"
    strategy = "passthrough"
    downstream_url = "${keyServer}/mcp"
    auth_hint = "The key of this demo is ${apiKey}"
    verify_url = "${keyServer}/verify"

    [downstream.files]
    display_name = "Another service"
    strategy = "chained_oauth"
    downstream_url = "${tokenServer}/mcp"
    oauth_authorize_url = "${provider.issuer}/authorize"
    oauth_token_url = "${provider.issuer}/token"
    oauth_client_id = "${provider.clientId}"
    oauth_client_secret = "${provider.clientSecret}"
    oauth_supports_refresh = true
    oauth_pkce = true

    [provider.demo]
    kind = "oidc"
    issuer = "${provider.issuer}"
    client_id = "${provider.clientId}"
    client_secret = "${provider.clientSecret}"

    [downstream.team]
    display_name = "Team demo"
    strategy = "login"
    downstream_url = "${keyServer}/mcp"
    credential = "${apiKey}"
    allowed_groups = ["team"]

    [[downstream.team.tool_scopes]]
    name = "quick"
    description = "Echo, add and tell the time"
    tools = ["echo", "add", "time"]

    [[downstream.team.tool_scopes]]
    name = "slow"
    description = "Run the slow tools"
    tools = ["slow", "stream"]
    `,
    {},
    readNothing,
  );
}

/** @throws always: the demo's configuration names no file */
function readNothing(path: string): string {
  throw new Error(`the demo reads no file, not even ${path}`);
}
