// A login with tool scopes and a pasted key, each on a host of its own, for reverse proxies that carry the traffic.
import { stateSecret } from "./config_text.ts";
import { createMint } from "./minted_tokens.ts";

export const wiki = "wiki-mcp.example.com";
export const vault = "vault-mcp.example.com";

export const toml = `
[provider.company]
kind = "oidc"
issuer = "http://127.0.0.1:1"
client_id = "proxy"
client_secret = "secret"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
host = "${wiki}"
allow_everyone = true
[[downstream.wiki.tool_scopes]]
name = "wiki:read"
tools = ["search"]
[[downstream.wiki.tool_scopes]]
name = "wiki:write"
tools = ["search", "put_page"]

[downstream.vault]
display_name = "Vault"
strategy = "passthrough"
host = "${vault}"
downstream_url = "http://127.0.0.1:1/mcp"
forward_auth = true
`;
export const server = `trusted_proxies = ["127.0.0.1"]`;
export const mint = createMint(
  `[server]\npublic_url = "https://mcp.example.com"\nstate_secret = "${stateSecret}"\n${server}\n${toml}`,
);
export const identity = { subject: "id-of-ada", name: "Ada", groups: ["staff"] };
export const challenge = (host: string, rest: string) =>
  `Bearer ${rest}resource_metadata="https://${host}/.well-known/oauth-protected-resource/mcp"`;
export const modernCall = (tool: string) => ({
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": "tools/call",
  "mcp-name": tool,
});
