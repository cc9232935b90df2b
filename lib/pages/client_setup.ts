// How each MCP client is told about a server: its own link where it has one, else the words of its menus. Checked 2026-11-22.

export interface ClientSetup {
  client: string;
  /** What to do, one sentence a step. */
  steps: readonly string[];
  /** Opens the client with everything filled in. */
  link?: { label: string; url: string };
  /** To be copied. */
  code?: string;
}

/** The published server as clients are told about it: `name` is short, without spaces. */
export interface PublishedServer {
  name: string;
  displayName: string;
  url: string;
}

export function clientSetups(server: PublishedServer): ClientSetup[] {
  return [
    claude(server),
    claudeCode(server),
    chatGpt(server),
    cursor(server),
    vsCode(server),
    inspector(server),
    mcpRemote(server),
  ];
}

/** Clients that run at their vendor reach only what is public. */
const publicOnly = "It connects from its vendor's servers, so this works only where the URL is public and https.";

function claude({ displayName, url }: PublishedServer): ClientSetup {
  const query = new URLSearchParams({ modal: "add-custom-connector", connectorName: displayName, connectorUrl: url });
  return {
    client: "Claude (web, desktop, phone)",
    steps: ["Settings → Connectors → Add custom connector, and give it the URL.", publicOnly],
    link: { label: "Add to Claude", url: `https://claude.ai/customize/connectors?${query}` },
  };
}

function claudeCode({ name, url }: PublishedServer): ClientSetup {
  return {
    client: "Claude Code",
    steps: [`Run this, then type /mcp in Claude Code, choose ${name} and Authenticate.`],
    code: `claude mcp add --transport http ${name} ${url}`,
  };
}

function chatGpt(_: PublishedServer): ClientSetup {
  return {
    client: "ChatGPT",
    steps: [
      "In the settings, turn on Developer mode (under Connectors → Advanced, or Security and login).",
      "Then create a connector: give it a name and the URL, and choose OAuth.",
      publicOnly,
    ],
  };
}

function cursor({ name, url }: PublishedServer): ClientSetup {
  const config = Buffer.from(JSON.stringify({ url })).toString("base64");
  return {
    client: "Cursor",
    steps: ["Or put this into ~/.cursor/mcp.json."],
    link: {
      label: "Add to Cursor",
      url: `cursor://anysphere.cursor-deeplink/mcp/install?name=${name}&config=${encodeURIComponent(config)}`,
    },
    code: JSON.stringify({ mcpServers: { [name]: { url } } }),
  };
}

function vsCode({ name, url }: PublishedServer): ClientSetup {
  const config = JSON.stringify({ name, type: "http", url });
  return {
    client: "VS Code",
    steps: ["Or run this."],
    link: { label: "Add to VS Code", url: `vscode:mcp/install?${encodeURIComponent(config)}` },
    code: `code --add-mcp '${config}'`,
  };
}

function inspector({ url }: PublishedServer): ClientSetup {
  return {
    client: "MCP inspector",
    steps: ["Run this; it opens a page where you connect and try the tools."],
    code: `npx @modelcontextprotocol/inspector --web --server-url ${url} --transport http`,
  };
}

function mcpRemote({ name, url }: PublishedServer): ClientSetup {
  return {
    client: "Clients that only start programs (mcp-remote)",
    steps: ["Put this into the client's list of MCP servers."],
    code: JSON.stringify({ mcpServers: { [name]: { command: "npx", args: ["-y", "mcp-remote", url] } } }),
  };
}
