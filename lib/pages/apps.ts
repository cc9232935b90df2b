// What was connected from this browser, and a button that ends it.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";

export interface AppsPage {
  apps: readonly ListedApp[];
  /** The list is gone when the server restarts. */
  forgetful: boolean;
}

export interface ListedApp {
  /** Chosen by the client; absent when it is no longer known. */
  clientName?: string;
  resourceName: string;
  resourceUrl: string;
  /** Seconds since the epoch. */
  grantedAt: number;
  lastUsedAt?: number;
  /** Sealed; names the grant for this browser only. */
  handle: string;
}

export function appsPage({ apps, forgetful }: AppsPage): Promise<string> {
  const title = "Connected programs";
  return layout(
    title,
    html`<h1>${title}</h1>
<p>What you connected from this browser. Access that you gave in another one is shown there.</p>
${
      forgetful
        ? html`
          <p
            class="warning">This server forgets the list when it restarts, and also what you ended here: access then goes on until its tokens expire. Services behind it are not told.</p>
        `
        : ""
    }
${apps.length === 0 ? html`<p>Nothing is connected.</p>` : apps.map(entry)}`,
  );
}

function entry(app: ListedApp, index: number): Html {
  const { clientName = "A program that is no longer known", resourceName, resourceUrl, grantedAt, lastUsedAt } = app;
  return html`
    <section aria-labelledby="app-${index}">
      <h2 id="app-${index}"><bdi>${clientName}</bdi> uses <bdi>${resourceName}</bdi></h2>
      <p class="soft where">${resourceUrl}</p>
      <p class="soft">Since ${moment(grantedAt)}. ${lastUsedAt === undefined
        ? "Not used yet."
        : html`Last used ${moment(lastUsedAt)}.`}</p>
      <form method="post"><input type="hidden" name="app" value="${app.handle}">
    <button class="small" aria-label="End this access: ${clientName} to ${resourceName}">End this access</button></form>
    </section>
  `;
}

function moment(seconds: number): Html {
  const iso = new Date(seconds * 1000).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")} UTC</time>`;
}
