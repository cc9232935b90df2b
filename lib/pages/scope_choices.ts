// Which tools a client may use: one box per scope, in the server's words. Works without JavaScript; what a scope covers is
// added when the form arrives.
import { html } from "hono/html";
import type { Html } from "./layout.ts";

export interface ScopeChoice {
  name: string;
  description: string;
  /** Names of the scopes that come with it. */
  covers: readonly string[];
  checked: boolean;
}

/** The form's field for a scope; each has its own name, because a repeated parameter would be refused. */
export function scopeField(name: string): string {
  return `scope:${name}`;
}

export function scopeChoices(choices: readonly ScopeChoice[]): Html {
  return html`<fieldset>
<legend>What it may do</legend>
${choices.map(choice)}
</fieldset>`;
}

function choice({ name, description, covers, checked }: ScopeChoice): Html {
  const words = description === "" ? name : description;
  const more = covers.length === 0 ? "" : html`
    <span class="soft">includes ${covers.join(", ")}</span>
  `;
  return html`<label class="option"><input type="checkbox" name="${scopeField(name)}" value="on" ${
    checked ? "checked" : ""
  }>
<span>${words} <code class="soft">${name}</code>${more}</span></label>`;
}
