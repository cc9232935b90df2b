// What somebody connected, and a button that ends it: with their account, and in this browser.
import { html } from "hono/html";
import { type Html, layout } from "./layout.ts";

export interface AppsPage {
  /** Absent: nobody is. */
  signedIn?: {
    /** As the provider calls them. */
    name: string;
    provider: string;
    apps: readonly ListedApp[];
    /** Sealed. */
    signOut: string;
  };
  /** Ways to sign in, or the page where one can; undefined where nothing here is opened by signing in. */
  signIn: { choices: readonly { label: string; handle: string }[] } | { elsewhere: string } | undefined;
  /** What was given in this browser, without signing in. */
  here: readonly ListedApp[];
  /** The list is gone when the server restarts. */
  forgetful: boolean;
  /** Why the last button did nothing. */
  problem?: string;
}

export interface ListedApp {
  /** Chosen by the client; absent when it is no longer known. */
  clientName?: string;
  resourceName: string;
  resourceUrl: string;
  /** Seconds since the epoch. */
  grantedAt: number;
  lastUsedAt?: number;
  /** What ending the access here does not end at the service behind it. */
  leftBehind: "nothing" | "the key" | "the provider's access";
  /** Sealed; names the grant for this browser only. */
  handle: string;
}

export function appsPage(page: AppsPage): Promise<string> {
  const title = "Connected programs";
  const { signedIn, signIn, here, forgetful, problem } = page;
  return layout(
    title,
    html`<h1>${title}</h1>
<p>Programs that may use the servers here in your name. Ending an access stops the program at once.</p>
${forgetful ? forgets : ""}
${problem === undefined ? "" : html`<p class="problem" role="alert">${sentence(problem)}</p>`}
${signedIn === undefined ? "" : withAccount(signedIn)}
${signedIn !== undefined || signIn === undefined ? "" : signInSection(signIn)}
${signIn === undefined ? "" : inThisBrowser}
${list(here)}`,
  );
}

const forgets = html`
  <p
    class="soft">This server forgets these lists when it restarts, and also what you ended here: access then goes on until its
  tokens expire.</p>
`;

const inThisBrowser = html`<h2>Connected in this browser</h2>
<p class="soft">With an API key, or by signing in at the service itself. Whoever uses this browser sees it.</p>`;

function withAccount({ name, provider, apps, signOut }: NonNullable<AppsPage["signedIn"]>): Html {
  return html`<h2>Connected with your account</h2>
<form method="post" class="beside">
<p>Signed in at ${provider} as <bdi class="name">${name}</bdi></p>
${button(signOut, "Sign out")}</form>
${list(apps)}`;
}

function signInSection(signIn: NonNullable<AppsPage["signIn"]>): Html {
  return html`<h2>Connected with your account</h2>
${
    "elsewhere" in signIn
      ? html`<p>Shown where you can sign in: <a href="${signIn.elsewhere}">${signIn.elsewhere}</a></p>`
      : html`<p>Sign in to see what you let in with it, from any device.</p>
<form method="post" class="choices">${
        signIn.choices.map(({ label, handle }) =>
          html`<button name="action" value="${handle}">Sign in with ${label}</button>`
        )
      }</form>`
  }`;
}

function list(apps: readonly ListedApp[]): Html {
  return apps.length === 0 ? html`<p>Nothing is connected.</p>` : html`<ul class="entries">${apps.map(entry)}</ul>`;
}

function entry(app: ListedApp): Html {
  const { clientName = "A program that is no longer known", resourceName, resourceUrl, grantedAt, lastUsedAt } = app;
  const which = `${clientName} to ${resourceName}, since ${printMoment(grantedAt)}`;
  return html`<li>
<h3><bdi>${clientName}</bdi> uses <bdi>${resourceName}</bdi></h3>
<p class="soft where">${resourceUrl}</p>
<p class="soft">Since ${moment(grantedAt)}. ${
    lastUsedAt === undefined ? "Not used yet." : html`Last used ${moment(lastUsedAt)}.`
  }</p>
${hint(app)}
<form method="post">${button(app.handle, "End this access", `End this access: ${which}`)}</form>
</li>`;
}

function hint({ leftBehind, resourceName }: ListedApp): Html | "" {
  switch (leftBehind) {
    case "nothing":
      return "";
    case "the key":
      return html`
        <p
          class="soft">Your API key itself stays good: withdraw it at <bdi>${resourceName}</bdi> if you do not trust the program any more.</p>
      `;
    case "the provider's access":
      return html`
        <p
          class="soft"><bdi>${resourceName}</bdi> can't be told from here: it may still list the access, and you can end it there too.</p>
      `;
  }
}

function button(handle: string, text: string, label = text): Html {
  return html`<button class="small" name="action" value="${handle}" aria-label="${label}">${text}</button>`;
}

function moment(seconds: number): Html {
  return html`<time datetime="${new Date(seconds * 1000).toISOString()}">${printMoment(seconds)}</time>`;
}

function printMoment(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}
