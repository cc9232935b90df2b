// What happened, who can mend it, and how.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";

export interface ErrorPage {
  title: string;
  /** What happened, for the person who sees it. */
  message: string;
  /** What they can do. */
  advice: string;
  /** For the operator: what to change. */
  operatorHint?: string;
  /** The same id is in the log. */
  requestId: string;
}

export function errorPage(page: ErrorPage): Promise<string> {
  return layout(
    page.title,
    html`<h1>${page.title}</h1>
<p>${page.message}</p>
<p>${page.advice}</p>
${page.operatorHint === undefined ? "" : operatorHint(page.operatorHint)}
<p class="soft">Request <code>${page.requestId}</code>: the same id is in the log.</p>`,
  );
}

function operatorHint(hint: string): Html {
  return html`<h2>For the person who runs this server</h2>
<pre><code>${hint}</code></pre>`;
}
