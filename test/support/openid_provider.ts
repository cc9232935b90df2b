// The real oidc-provider as a process of its own, on Node.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { Browser, Page } from "./browser.ts";

type Accounts = Record<string, Record<string, unknown>>;

export interface OpenIdProviderProcess {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Replaces all accounts; settles when the provider knows. */
  setAccounts(accounts: Accounts): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** For an MCP server whose provider it is. */
export interface McpProviderOptions {
  resource: string;
  rotates: boolean;
  /** How clients may authenticate at the token endpoint. */
  methods: string[];
}

export async function startOpenIdProvider(
  options: { redirectUris: string[]; accounts: Accounts; mcp?: McpProviderOptions },
): Promise<OpenIdProviderProcess> {
  const client = { clientId: "the-client", clientSecret: "a secret with spaces & signs: %+" };
  const node = join(import.meta.dirname!, "../../node_modules/node/bin/node");
  const script = join(import.meta.dirname!, "openid_provider.mjs");
  const child = spawn(node, [script, JSON.stringify({ ...client, ...options })], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("oidc-provider ended");
      if (value.startsWith("{")) return JSON.parse(value) as { port: number }; // it prints warnings of its own too
    }
  };
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const { port } = await next();
  return {
    ...client,
    issuer: `http://127.0.0.1:${port}`,
    async setAccounts(accounts) {
      child.stdin.write(JSON.stringify({ accounts }) + "\n");
      await next();
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** From the redirect to the provider, through its pages, until the browser would go to `stopAt`. */
export async function signInAtProvider(
  browser: Browser,
  page: Page,
  { login, stopAt }: { login: string; stopAt: string },
): Promise<Page> {
  for (let step = 0; step < 6; step++) {
    page = await browser.follow(page, stopAt);
    if (page.location !== undefined || !page.html.includes("<form")) return page;
    page = await browser.submit(page, page.html.includes('name="login"') ? { login, password: "any" } : {});
  }
  return page;
}
