// What this is, and the URL to paste for each server.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";

export interface HomePage {
  /** Undefined when the operator turned the list off. */
  servers?: readonly { name: string; url: string; signIn: string }[];
}

export function homePage(page: HomePage): Promise<string> {
  return layout(
    "mcp-oauth-proxy",
    html`<h1>MCP servers, with a sign-in</h1>
<p>This is an OAuth proxy for MCP servers. To use one, give its URL to your MCP client (Claude, ChatGPT, Cursor, VS Code, …)
as a remote or HTTP server. The client opens a page here where you sign in, once.</p>
${
      page.servers === undefined
        ? html`<p>Ask the person who runs this server for the URL.</p>`
        : page.servers.map(server)
    }`,
  );
}

function server({ name, url, signIn }: { name: string; url: string; signIn: string }): Html {
  return html`<h2>${name}</h2>
<pre><code>${url}</code></pre>
<p class="soft">${signIn}</p>`;
}
