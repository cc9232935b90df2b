// Text with a button that copies it. The button appears where a script may run and copy; the text is there either way.
import { html } from "hono/html";
import type { Html } from "./layout.ts";

/** @param what names the text for those who hear the button only */
export function copyable(text: string, what: string): Html {
  return html`<div class="copyable"><pre><code>${text}</code></pre><button type="button" class="small copy" hidden
aria-label="Copy ${what}">Copy</button></div>`;
}

/** Hears nothing but clicks on the page's own buttons, and sends nothing. Pages with it end in `copyStatus`. */
export const copyScript = `if (navigator.clipboard) {
  const status = document.querySelector("[role=status]");
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
      status.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; status.textContent = ""; }, 2000);
    });
  }
}`;

export const copyStatus: Html = html`<p role="status" class="unseen"></p>`;
