// The callback URLs of the clients that people connect, each with where it was found. Last checked 2026-11-22.

export interface RedirectPreset {
  /** Character for character; the port of a loopback URI is left open (RFC 8252 §7.3). */
  uris: readonly string[];
  /** For callbacks with a varying part: matched against the whole text. */
  pattern?: RegExp;
}

/** What `clients.redirects` may name besides `loopback`, `https` and single URIs. */
export const redirectPresets: ReadonlyMap<string, RedirectPreset> = new Map<string, RedirectPreset>([
  ["claude", {
    uris: [
      // Web, desktop and mobile: https://claude.com/docs/connectors/building
      "https://claude.ai/api/mcp/auth_callback",
      // The announced second host; vendors allow both:
      // https://docs.zuora.com/zuora-ai/zuora-mcp-server/zuora-mcp-server/configure-zuora-remote-mcp-server/redirect-uris-by-mcp-client
      "https://claude.com/api/mcp/auth_callback",
      // Claude Code on a random port; its metadata document lists both hosts without one:
      // https://github.com/anthropics/claude-code/issues/37767, https://github.com/anthropics/claude-code/issues/42301
      "http://localhost/callback",
      "http://127.0.0.1/callback",
    ],
  }],
  ["chatgpt", {
    uris: [
      // Every connector, where the server sends `iss`: https://developers.openai.com/plugins/build/auth
      "https://chatgpt.com/connector_platform_oauth_redirect",
      // App review: https://github.com/activepieces/activepieces/issues/15023
      "https://platform.openai.com/apps-manage/oauth",
    ],
    // Connectors with a callback of their own: https://github.com/Altinity/altinity-mcp/issues/118,
    // https://github.com/makeplane/plane-mcp-server/issues/165
    pattern: /^https:\/\/chatgpt\.com\/connector\/oauth\/[A-Za-z0-9_-]{1,128}$/,
  }],
  ["cursor", {
    // One registration carries all three, and the editor itself listens on the first, the only private-use scheme that is
    // allowed by a preset: https://github.com/bytebase/bytebase/pull/20510, https://github.com/soflyy/agent-connector-for-wp/issues/111
    uris: [
      "cursor://anysphere.cursor-mcp/oauth/callback",
      "https://www.cursor.com/agents/mcp/oauth/callback",
      "http://localhost:8787/callback",
    ],
  }],
  ["vscode", {
    // fetchDynamicRegistration in https://github.com/microsoft/vscode/blob/main/src/vs/base/common/oauth.ts and
    // https://vscode.dev/oauth/client-metadata.json; the loopback port is 33418 or, when that is taken, a random one.
    uris: ["https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect", "http://127.0.0.1/"],
  }],
  ["inspector", {
    // The page (6274) and the command line (6276) of @modelcontextprotocol/inspector 2.12.0, seen on the wire; `/debug` is
    // the guided flow of 0.x and 1.x: https://github.com/modelcontextprotocol/inspector
    uris: [
      "http://localhost:6274/oauth/callback",
      "http://127.0.0.1:6274/oauth/callback",
      "http://localhost:6274/oauth/callback/debug",
      "http://127.0.0.1:6274/oauth/callback/debug",
    ],
  }],
]);
