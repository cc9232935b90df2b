// Configuration texts for tests.

/** 32 bytes that were drawn at random once. */
export const stateSecret = "q83/DUV9l6dQ0mUoZ6Ti9cVqS8Bw4yTpoZ1mC3k7Jx0=";

export const serverTable = `[server]
public_url = "https://mcp.example.com"
state_secret = "${stateSecret}"
`;

export const linearTable = `[downstream.linear]
display_name = "Linear"
strategy = "passthrough"
downstream_url = "https://mcp.linear.app/sse"
`;

export const githubTable = `[downstream.github]
display_name = "GitHub"
strategy = "chained_oauth"
downstream_url = "https://api.githubcopilot.com/mcp/"
oauth_authorize_url = "https://github.com/login/oauth/authorize"
oauth_token_url = "https://github.com/login/oauth/access_token"
oauth_client_id = "Iv1.abc"
oauth_client_secret = "shh"
`;

export const wikiTable = `[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "google"
allowed_email_domains = ["example.com"]
`;

export const googleTable = `[provider.google]
client_id = "id"
client_secret = "shh"
`;

/** The smallest configuration that loads. */
export const minimal = serverTable + linearTable;
