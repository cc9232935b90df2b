// A server of each kind, for a look at every page.
import type { FakeOpenId } from "./fake_openid.ts";

/** TOML after the [server] table. */
export const pagesConfiguration = (downstreamUrl: string, { issuer, clientId, clientSecret }: FakeOpenId) => `
[clients]
allow_loopback_metadata = true

[client.agent]
name = "Notes agent"
redirect_uris = ["https://agent.example.com/callback"]

[provider.example-inc]
kind = "oidc"
issuer = "${issuer}"
client_id = "${clientId}"
client_secret = "${clientSecret}"

[provider.github]
client_id = "id"
client_secret = "the secret"

[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstreamUrl}"
verify_url = "${downstreamUrl}"
auth_hint = "Settings → API → Personal keys"
scopes = "read write"

[downstream.files]
display_name = "Files"
strategy = "chained_oauth"
downstream_url = "http://127.0.0.1:9/mcp"
oauth_authorize_url = "https://login.files.example/authorize"
oauth_token_url = "https://login.files.example/token"
oauth_client_id = "id"
oauth_client_secret = "the secret"
oauth_scopes = "files:read offline"
scopes = "files:read"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = ["example-inc", "github"]
downstream_url = "${downstreamUrl}"
allow_everyone = true

[[downstream.wiki.tool_scopes]]
name = "wiki:read"
description = "Search and read pages"
tools = ["search", "get_page"]
[[downstream.wiki.tool_scopes]]
name = "wiki:write"
description = "Change pages"
tools = ["search", "get_page", "put_page"]
`;
