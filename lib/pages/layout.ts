// The shell of every page: one embedded stylesheet, at most one embedded script, nothing loaded from anywhere.
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import css from "./style.css" with { type: "text" };

export type Html = ReturnType<typeof html>;

/**
 * Allows exactly our stylesheet and, where a page has one, its script. No form target is named, because Chrome enforces
 * form-action along redirects and would stop the one to the client.
 */
export function contentSecurityPolicyFor(script?: string): string {
  return [
    "default-src 'none'",
    `style-src '${sourceHash(css)}'`,
    ...(script === undefined ? [] : [`script-src '${sourceHash(script)}'`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** For pages without a script: all but the home page. */
export const contentSecurityPolicy = contentSecurityPolicyFor();

function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** Who asks, where you are, what opens: three stops, drawn. */
const mark = raw(
  `<svg viewBox="1 0 48 16" aria-hidden="true"><path d="M12 8h26" stroke="currentColor" stroke-width="4"/>` +
    `<g fill="none" stroke="currentColor" stroke-width="3"><circle cx="8" cy="8" r="5"/>` +
    `<circle cx="42" cy="8" r="5"/></g><circle cx="25" cy="8" r="7" fill="currentColor"/></svg>`,
);

/** @param script run at the end of the body; the answer's policy has to allow it */
export async function layout(title: string, body: Html, script?: string): Promise<string> {
  const page = await html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>${title}</title>
        <style>${raw(css)}</style>
      </head>
      <body>
    <header>${mark}<span>mcp-oauth-proxy</span></header>
    <main>
    ${body}
    </main>
    ${script === undefined ? "" : raw(`<script>${script}</script>`)}
      </body>
    </html>
  `;
  return String(page);
}
