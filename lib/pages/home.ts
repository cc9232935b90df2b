// What is published here, and how each client is told about it. Grows by a few lines a server: the steps are shown for one.
import { html } from "hono/html";
import { clientSetups } from "./client_setup.ts";
import type { ClientSetup, PublishedServer } from "./client_setup.ts";
import { copyable, copyScript, copyStatus } from "./copy_button.ts";
import { type Html, layout } from "./layout.ts";

export interface HomePage {
  /** Undefined when the operator turned the list off. */
  servers?: readonly HomeServer[];
  /** Name of the server whose steps are shown; the only one's are shown anyway. */
  chosen?: string;
}

export interface HomeServer extends PublishedServer {
  /** What the user will be asked, as a sentence. */
  signIn: string;
  /** Whether the MCP server behind it answers; undefined where nobody asked. */
  up?: boolean;
}

/** The page with a list has this script; its policy must allow it. */
export const homeScript: string = copyScript;

export function homePage({ servers, chosen }: HomePage): Promise<string> {
  const title = "MCP servers with a sign-in";
  const intro = html`<h1>${title}</h1>
<p>Give the URL to your MCP client as a remote (HTTP) server. The client then opens a page here, where you sign in, once.</p>`;
  if (servers === undefined) {
    return layout(title, html`${intro}<p>Ask the person who runs this server for the URL.</p>${apps}`);
  }
  const open = servers.length === 1 ? servers[0]!.name : chosen;
  return layout(
    title,
    html`${intro}${servers.map((server) => entry(server, server.name === open))}${apps}${copyStatus}`,
    homeScript,
  );
}

const apps = html`<p class="apart"><a href="apps">What I connected</a></p>`;

function entry(server: HomeServer, open: boolean): Html {
  const { name, displayName, url, signIn, up } = server;
  return html`<section id="${name}" aria-labelledby="name-${name}">
<h2 id="name-${name}">${displayName}</h2>
${copyable(url, `the URL of ${displayName}`)}
<p class="soft">${up === undefined ? "" : state(up)}${signIn}</p>
${open ? clientSetups(server).map((setup) => steps(setup, displayName)) : setUpLink(server)}
</section>`;
}

function state(up: boolean): Html {
  return up
    ? html`
      <span class="up">Up.</span>
    `
    : html`
      <span class="down">Does not answer right now.</span>
    `;
}

/** Without JavaScript: the same page again, with this server's steps. */
function setUpLink({ name, displayName }: HomeServer): Html {
  return html`<p><a href="?server=${name}#${name}">How to add ${displayName} to your client</a></p>`;
}

function steps({ client, steps, link, code }: ClientSetup, displayName: string): Html {
  return html`<details name="client">
<summary>${client}</summary>
${link === undefined ? "" : html`<p><a href="${link.url}">${link.label}</a></p>`}
${steps.map((step) => html`<p>${step}</p>`)}
${code === undefined ? "" : copyable(code, `what ${client} needs for ${displayName}`)}
</details>`;
}
