// Microsoft Graph about the user who signed in (delegated `User.Read`).
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

interface Asked {
  /** The access token of this sign-in. */
  token: string;
  call: ApiCall;
}

export interface MicrosoftGraph {
  /** @throws ProviderError `refused` when the account is disabled */
  checkEnabled(oid: string, asked: Asked): Promise<void>;
  /** Object ids of all groups, those within groups too. */
  groupsOfUser(asked: Asked): Promise<string[]>;
}

const maxPages = 50;

export function microsoftGraph(apiUrl: string): MicrosoftGraph {
  const base = apiUrl.replace(/\/$/, "");

  async function ask(url: URL, { token, call }: Asked): Promise<Record<string, unknown>> {
    const answer = await askApi(call, { url, token });
    checkAllowed(answer, url);
    return requireObject(answer, `Graph ${url.pathname}`);
  }

  return {
    async checkEnabled(oid, asked) {
      const me = await ask(new URL(`${base}/me?$select=id,accountEnabled`), asked);
      if (me.id !== oid) throw new ProviderError("broken", "Graph speaks of another user");
      if (me.accountEnabled === false) throw new ProviderError("refused", "the Entra account is disabled");
    },

    async groupsOfUser(asked) {
      const groups: string[] = [];
      let url = new URL(`${base}/me/transitiveMemberOf?$select=id&$top=999`);
      for (let page = 0; page < maxPages; page++) {
        const list = await ask(url, asked);
        groups.push(...groupIdsIn(list.value));
        const next = textIn(list["@odata.nextLink"]);
        if (next === undefined) return groups;
        url = nextPage(next, base);
      }
      throw new ProviderError("broken", `the user is in more groups than ${maxPages} pages hold`);
    },
  };
}

/** A closed account was refused before, when its refresh token was used; so no answer of Graph is a no by its status alone. */
function checkAllowed({ status }: ApiAnswer, { pathname }: URL): void {
  if (status === 403) {
    throw new ProviderError(
      "broken",
      `Graph ${pathname} answered 403: the app needs the delegated permission User.Read`,
    );
  }
}

/** Directory roles and administrative units come in the same list. */
function groupIdsIn(value: unknown): string[] {
  if (!Array.isArray(value)) throw new ProviderError("broken", "Graph transitiveMemberOf: the answer has no list");
  return value.filter((entry) => entry?.["@odata.type"] === "#microsoft.graph.group")
    .map((entry) => textIn(entry.id)).filter((id) => id !== undefined);
}

/** The token goes where the configuration says, not where an answer says. */
function nextPage(link: string, base: string): URL {
  if (!URL.canParse(link) || new URL(link).origin !== new URL(base).origin) {
    throw new ProviderError("broken", "Graph names a next page on another host");
  }
  return new URL(link);
}
