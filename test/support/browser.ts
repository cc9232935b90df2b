// A browser as far as cookies, redirects and forms go: one step at a time, so that a test sees each.

export interface Page {
  status: number;
  url: string;
  headers: Headers;
  html: string;
  /** Where a redirect points, absolute. */
  location: string | undefined;
}

export interface Browser {
  get(url: string, headers?: Record<string, string>): Promise<Page>;
  /** Sends the page's form with its hidden fields, as the user filled it. */
  submit(page: Page, fields: Record<string, string>, headers?: Record<string, string>): Promise<Page>;
  /** Follows redirects until a page, or until the next one would leave to a URL that begins with `stopAt`. */
  follow(page: Page, stopAt: string): Promise<Page>;
  /** Cookies by name, of all hosts. */
  cookies: Map<string, string>;
}

export function createBrowser(): Browser {
  const cookies = new Map<string, string>();

  async function visit(url: string, init: RequestInit): Promise<Page> {
    const headers = new Headers(init.headers);
    if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const [name = "", ...value] = pair.split("=");
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value.join("="));
    }
    const location = answer.headers.get("location");
    return {
      status: answer.status,
      url,
      headers: answer.headers,
      html: await answer.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  }

  const browser: Browser = {
    cookies,
    get: (url, headers = {}) => visit(url, { headers }),
    submit(page, fields, headers = {}) {
      const action = /<form[^>]*\saction="([^"]*)"/.exec(page.html)?.[1];
      const body = new URLSearchParams({ ...hiddenFields(page.html), ...fields });
      return visit(new URL(unescapeHtml(action ?? page.url), page.url).href, { method: "POST", body, headers });
    },
    async follow(page, stopAt) {
      for (let step = 0; step < 20 && page.location !== undefined && !page.location.startsWith(stopAt); step++) {
        page = await browser.get(page.location);
      }
      return page;
    },
  };
  return browser;
}

function hiddenFields(html: string): Record<string, string> {
  const inputs = [...html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]) => tag);
  const attribute = (tag: string, name: string) =>
    unescapeHtml(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
  return Object.fromEntries(inputs.map((tag) => [attribute(tag, "name"), attribute(tag, "value")]));
}

function unescapeHtml(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
