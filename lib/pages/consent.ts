// Who asks, for what, and where the answer goes; with a key field when the strategy wants one.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";
import { type ScopeChoice, scopeChoices } from "./scope_choices.ts";

export interface ConsentPage {
  /** Chosen by the client: shown as a claim, never as a fact. */
  clientName: string;
  /** Host of a Client ID Metadata Document: verified. */
  verifiedHost?: string;
  /** Where the answer goes, as a person reads it: a host, "this computer" or a scheme. */
  redirectTo: string;
  /** The answer goes to a program on the user's computer, and any program there may claim the name. */
  loopbackOnly: boolean;
  resourceName: string;
  resourceUrl: string;
  scope: readonly string[];
  /** Set when the user chooses among scopes; then `scope` is not shown by itself. */
  scopeChoices?: readonly ScopeChoice[];
  /** Set when a key is asked for. */
  keyField?: { hint: string; requiredScopes: string };
  /** Ways to sign in, of which the user takes one; sent as `provider`. */
  providerChoices?: readonly { value: string; label: string }[];
  /** What was wrong with the last try. */
  problem?: string;
  /** The sealed request, sent back by the form. */
  request: string;
}

export function consentPage(page: ConsentPage): Promise<string> {
  const title = `Authorize — ${page.resourceName}`;
  return layout(
    title,
    html`<h1>Connect ${page.clientName} to ${page.resourceName}?</h1>
<p>A program that calls itself <strong>${page.clientName}</strong> asks to use <strong>${page.resourceName}</strong> in your name.
Go on only if you started this yourself a moment ago.</p>
${facts(page)}
${page.loopbackOnly ? loopbackWarning(page.clientName) : ""}
<form method="post">
<input type="hidden" name="request" value="${page.request}">
${page.scopeChoices === undefined ? "" : scopeChoices(page.scopeChoices)}
${page.keyField === undefined ? plainProblem(page.problem) : keyField(page.keyField, page.problem)}
${page.providerChoices === undefined ? "" : providerChoices(page.providerChoices)}
<div class="choices">
<button class="allow" name="decision" value="allow">Authorize</button>
<button name="decision" value="deny" formnovalidate>Refuse</button>
</div>
${page.scopeChoices === undefined ? "" : clearButton}
</form>`,
  );
}

function facts(page: ConsentPage): Html {
  return html`<dl>
<div><dt>Server</dt><dd class="where">${page.resourceUrl}</dd></div>
${
    page.verifiedHost === undefined ? "" : html`
      <div>
        <dt>Program's website</dt>
        <dd class="where">${page.verifiedHost} (verified)</dd>
      </div>
    `
  }
<div><dt>Answer goes to</dt><dd class="where">${page.redirectTo}</dd></div>
${
    page.scope.length === 0 || page.scopeChoices !== undefined ? "" : html`
      <div>
        <dt>Permissions</dt>
        <dd><code>${page.scope.join(" ")}</code></dd>
      </div>
    `
  }
</dl>`;
}

function loopbackWarning(clientName: string): Html {
  return html`<p class="warning">The answer goes to a program on this computer. Nobody can verify that it really is ${clientName}:
any program here may use that name.</p>`;
}

function plainProblem(problem: string | undefined): Html | "" {
  return problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`;
}

function keyField(field: { hint: string; requiredScopes: string }, problem: string | undefined): Html {
  return html`
    <label for="token">API key or token</label>
    <p class="soft" id="hint">${field.hint}</p>
    ${field.requiredScopes === ""
      ? ""
      : html`<p class="soft">Required scopes: <code>${field.requiredScopes}</code></p>`}
    ${problem === undefined ? "" : html`<p class="problem" role="alert" id="problem">${problem}</p>`}
    <input type="password" id="token" name="token" required autofocus autocomplete="off" spellcheck="false"
      aria-describedby="hint${problem === undefined ? "" : " problem"}">
    <p
      class="soft">The key stays sealed inside the token that the program holds. This server keeps no copy, and the program can't read it.</p>
  `;
}

/** Last, so that Enter doesn't press it: the first button of a form is its default one. */
const clearButton = html`
  <button class="small" name="decision" value="clear" formnovalidate>Unselect all permissions</button>
`;

/** Plain radio buttons: they work without JavaScript and from the keyboard. */
function providerChoices(ways: readonly { value: string; label: string }[]): Html {
  return html`
    <fieldset>
      <legend>Sign in with</legend>
      ${ways.map(({ value, label }, index) =>
        html`
          <label class="option"><input type="radio" name="provider" value="${value}" required ${index === 0
            ? "checked"
            : ""}> ${label}</label>
        `
      )}
    </fieldset>
  `;
}
