// Microsoft Entra ID and Graph in memory, after https://learn.microsoft.com/entra/identity-platform (v2.0 tokens, overage) and
// https://learn.microsoft.com/graph/api/user-list-transitivememberof
import { createFakeOpenId, type FakeOpenId } from "./fake_openid.ts";
import { json } from "./fake_server.ts";

export const tenantId = "11111111-2222-3333-4444-555555555555";

export interface FakeEntra extends FakeOpenId {
  /** What Graph says about the account. */
  accountEnabled: boolean | null;
  /** Object ids of the groups in Graph. */
  groups: string[];
  pageSize: number;
  /** Where the second page of the list is said to be. */
  nextLinkOrigin: string | undefined;
}

/** @param tenant as it stands in the URLs: an id, a domain or `common` */
export async function createFakeEntra(
  { authority, tenant, now }: { authority: string; tenant: string; now: () => number },
): Promise<FakeEntra> {
  const openId = await createFakeOpenId({ issuer: `${authority}/${tenant}/v2.0`, now });
  openId.issuer = `${authority}/${tenantId}/v2.0`;
  openId.document = { issuer: tenant === "common" ? `${authority}/{tenantid}/v2.0` : openId.issuer };
  const fake: FakeEntra = Object.assign(openId, {
    accountEnabled: true,
    groups: [],
    pageSize: 2,
    nextLinkOrigin: undefined,
  });

  function graph(request: Request, url: URL): Response {
    const user = fake.accessTokens.get((request.headers.get("authorization") ?? "").replace("Bearer ", ""));
    if (user === undefined) return json({ error: { code: "InvalidAuthenticationToken" } }, { status: 401 });
    if (url.pathname === "/v1.0/me") return json({ id: user.oid, accountEnabled: fake.accountEnabled });
    if (url.pathname !== "/v1.0/me/transitiveMemberOf") return json({}, { status: 404 });
    const from = Number(url.searchParams.get("$skiptoken") ?? 0);
    const next = new URL(`${url.pathname}?$select=id&$skiptoken=${from + fake.pageSize}`, fake.nextLinkOrigin ?? url);
    return json({
      value: [
        ...(from === 0 ? [{ "@odata.type": "#microsoft.graph.directoryRole", id: "a-role" }] : []),
        ...fake.groups.slice(from, from + fake.pageSize).map((id) => ({ "@odata.type": "#microsoft.graph.group", id })),
      ],
      ...(from + fake.pageSize < fake.groups.length ? { "@odata.nextLink": next.href } : {}),
    });
  }

  const { handle } = openId;
  fake.handle = async (request) => {
    const url = new URL(request.url);
    return url.pathname.startsWith("/v1.0/") ? graph(request, url) : await handle(request);
  };
  return fake;
}
