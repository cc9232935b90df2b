// Who asks, for what, and where the answer goes; with a key field when the strategy wants one. What was checked is told apart
// from what a program says of itself.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";
import { type ScopeChoice, scopeChoices } from "./scope_choices.ts";

export interface ConsentPage {
  /** Chosen by the client: shown as a claim, never as a fact. */
  clientName: string;
  /** What is known about it besides its name. */
  clientIs: { kind: "known here" } | { kind: "verified"; host: string } | { kind: "unknown" };
  /** Where the answer goes, as a person reads it: a host, "this computer" or a scheme. */
  redirectTo: string;
  /** The answer goes to a program on the user's computer, and any program there may claim the name. */
  isLocal: boolean;
  resourceName: string;
  resourceUrl: string;
  scope: readonly string[];
  /** Set when the user chooses among scopes; then `scope` is not shown by itself. */
  scopeChoices?: readonly ScopeChoice[];
  /** Set when a key is asked for. */
  keyField?: { hint: string; requiredScopes: string };
  /** Where the user signs in after the yes, in words that follow "you sign in". */
  signIn?: string;
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
    html`<h1>Connect ${claimed(page)} to <bdi>${page.resourceName}</bdi>?</h1>
<p>Go on only if you started this yourself, in that program, a moment ago. If a link or a message brought you here, refuse.</p>
${route(page)}
${page.isLocal ? localWarning(page) : ""}
<form method="post">
<input type="hidden" name="request" value="${page.request}">
${page.scopeChoices === undefined ? "" : scopeChoices(page.scopeChoices)}
${question(page)}
${page.signIn === undefined ? "" : html`<p class="soft">After Authorize you sign in ${page.signIn}.</p>`}
<div class="choices">
<button name="decision" value="allow">Authorize</button>
<button name="decision" value="deny" formnovalidate>Refuse</button>
</div>
${page.scopeChoices === undefined ? "" : clearButton}
</form>`,
  );
}

function route(page: ConsentPage): Html {
  return html`
    <dl class="route">
      <div>
        <dt>Asks</dt>
        <dd>
          <p class="name"><bdi>${page.clientName}</bdi></p>
          <p class="soft">${clientIs(page)}</p>
          ${answerGoesTo(page)}
        </dd>
      </div>
      <div class="here">
        <dt>You are here</dt>
        <dd>
          <p class="name where">${new URL(page.resourceUrl).host}</p>
          <p class="soft">The address bar must show this name, the one you gave to the program.</p>
        </dd>
      </div>
      <div>
        <dt>Opens</dt>
        <dd><p class="name"><bdi>${page.resourceName}</bdi></p>
    <p class="soft where">${page.resourceUrl}</p>
    ${page.scopeChoices === undefined ? permissions(page) : ""}</dd>
      </div>
    </dl>
  `;
}

function clientIs({ clientIs }: ConsentPage): Html {
  switch (clientIs.kind) {
    case "known here":
      return html`Known to this server: the person who runs it added it.`;
    case "verified":
      return html`Verified: published by <strong class="where">${clientIs.host}</strong>.`;
    case "unknown":
      return html`It chose this name itself. Nobody has checked it.`;
  }
}

function answerGoesTo({ redirectTo, isLocal }: ConsentPage): Html {
  const who = isLocal ? "" : " Whoever runs that gets the access.";
  return html`<p class="soft">The answer goes to <strong class="where">${redirectTo}</strong>.${who}</p>`;
}

function permissions({ scope, keyField }: ConsentPage): Html {
  if (scope.length > 0) {
    return html`<p class="soft">With these permissions: ${
      scope.map((each) =>
        html`
          <code>${each}</code>
        `
      )
    }</p>`;
  }
  return keyField === undefined
    ? html`<p class="soft">With everything that you may do there.</p>`
    : html`<p class="soft">With everything that your key allows.</p>`;
}

/** A name that nobody checked stands in quotes, so that what it says is not read as what the page says. */
function claimed({ clientName, clientIs }: ConsentPage): Html {
  return clientIs.kind === "unknown" ? html`“<bdi>${clientName}</bdi>”` : html`<bdi>${clientName}</bdi>`;
}

function localWarning(page: ConsentPage): Html {
  return html`<p class="warning">The answer goes to a program on this computer, and any program here may call itself
${claimed(page)}. Authorize only if you see it waiting for you.</p>`;
}

/** What the user is asked besides yes or no, with what was wrong beside it. */
function question({ keyField, providerChoices, problem }: ConsentPage): Html | "" {
  const alert = problem === undefined ? "" : html`<p class="problem" role="alert" id="problem">${problem}</p>`;
  if (keyField !== undefined) return keyQuestion(keyField, alert);
  return providerChoices === undefined ? alert : providerQuestion(providerChoices, alert);
}

function keyQuestion({ hint, requiredScopes }: { hint: string; requiredScopes: string }, alert: Html | ""): Html {
  const invalid = alert === "" ? "" : html`
    aria-invalid="true" autofocus
  `;
  return html`
    <label for="token">API key or token</label>
    <p class="soft" id="hint">${hint}</p>
    ${requiredScopes === "" ? "" : html`<p class="soft">Required scopes: <code>${requiredScopes}</code></p>`}
    ${alert}
    <input type="password" id="token" name="token" required autocomplete="off" spellcheck="false"
      aria-describedby="hint${alert === "" ? "" : " problem"} kept" ${invalid}>
    <p class="soft"
      id="kept">The key stays sealed inside the token that the program holds. This server keeps no copy, and the program
    can't read it.</p>
  `;
}

/** Plain radio buttons: they work without JavaScript and from the keyboard. */
function providerQuestion(ways: readonly { value: string; label: string }[], alert: Html | ""): Html {
  return html`<fieldset${
    alert === "" ? "" : html`
      aria-describedby="problem"
    `
  }>
<legend>Sign in with</legend>
${alert}
${ways.map(providerChoice)}
</fieldset>`;
}

function providerChoice({ value, label }: { value: string; label: string }, index: number): Html {
  const checked = index === 0 ? "checked" : "";
  return html`<label class="option"><input type="radio" name="provider" value="${value}" required ${checked}> ${label}</label>`;
}

/** Last, so that Enter doesn't press it: the first button of a form is its default one. */
const clearButton =
  html`<p><button class="small" name="decision" value="clear" formnovalidate>Unselect all permissions</button></p>`;
