// The shell of every page: one embedded stylesheet, nothing loaded from anywhere.
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import css from "./style.css" with { type: "text" };

export type Html = ReturnType<typeof html>;

/** Allows exactly our stylesheet; no script, no frame, no form target is named (Chrome enforces form-action along redirects). */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(css).digest("base64")}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export async function layout(title: string, body: Html): Promise<string> {
  return String(
    await html`
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
          <main>
      ${body}
          </main>
        </body>
      </html>
    `,
  );
}
