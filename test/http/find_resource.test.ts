import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../lib/config/config.ts";
import { chooseHost, findResource, ownUrls, publishedHosts } from "../../lib/http/find_resource.ts";
import { resourceUrls } from "../../lib/urls.ts";
import { testResource } from "../support/mcp_proxy.ts";

const publicUrl = "https://mcp.example.com";

function byPath(name: string): Resource {
  return testResource({ name, urls: resourceUrls({ by: "path", publicUrl, name }) });
}

function byHost(name: string, host: string, path = "/mcp"): Resource {
  return testResource({
    name,
    ownHost: { host, path },
    urls: resourceUrls({ by: "host", host, path, scheme: "https" }),
  });
}

const linear = byPath("linear");
const wiki = byHost("wiki", "wiki.example.com");
const odd = byHost("odd", "odd.example.com:8443", "/mcp/v1");
const resources = [linear, wiki, odd];

const cases: [what: string, host: string, pathname: string, name: string | undefined, found: string | undefined][] = [
  ["by path", "mcp.example.com", "/authenticate/mcp/linear", "linear", "linear"],
  ["by path on a host that nobody publishes", "127.0.0.1:8080", "/authenticate/mcp/linear", "linear", "linear"],
  ["S2-01: no name and no host of its own", "mcp.example.com", "/authenticate", undefined, undefined],
  ["S2-01: a host of its own", "wiki.example.com", "/authenticate", undefined, "wiki"],
  ["S2-02: case and default port don't count", "WIKI.example.com:443", "/authenticate", undefined, "wiki"],
  ["S2-02: nor does the dot of the root", "wiki.example.com.", "/authenticate", undefined, "wiki"],
  ["S2-01: a port that is none of the host's", "wiki.example.com:8443", "/authenticate", undefined, undefined],
  ["S2-01: hosts may carry a port", "odd.example.com:8443", "/authenticate", undefined, "odd"],
  ["a longer host", "wiki.example.com.evil.example", "/authenticate", undefined, undefined],
  ["another's name on a host of its own", "wiki.example.com", "/authenticate/mcp/linear", "linear", undefined],
  ["its own name on a host of its own", "wiki.example.com", "/authenticate/mcp/wiki", "wiki", "wiki"],
  ["a name that has a host of its own, elsewhere", "mcp.example.com", "/authenticate/mcp/wiki", "wiki", undefined],
  ["a path of its own that looks like a name", "odd.example.com:8443", "/mcp/v1", "v1", "odd"],
  [
    "its document",
    "odd.example.com:8443",
    "/.well-known/oauth-protected-resource/mcp/v1",
    "v1",
    "odd",
  ],
  ["a document of another path", "wiki.example.com", "/.well-known/oauth-protected-resource/mcp/x", "x", undefined],
];

for (const [what, host, pathname, name, found] of cases) {
  test(`a resource is found, or not: ${what}`, () => {
    const asked = { host, pathname, ...(name === undefined ? {} : { name }) };
    assert.equal(findResource(resources, asked)?.name, found);
  });
}

test("S2-02: X-Forwarded-Host counts only where the request itself names no published host", () => {
  const published = publishedHosts(resources, publicUrl);
  const choose = (named: string, forwarded?: string) => chooseHost(named, forwarded, published);
  assert.equal(choose("127.0.0.1:8080", "wiki.example.com"), "wiki.example.com");
  assert.equal(choose("127.0.0.1:8080"), "127.0.0.1:8080");
  assert.equal(choose("wiki.example.com", "odd.example.com:8443"), "wiki.example.com");
  assert.equal(choose("mcp.example.com", "wiki.example.com"), "mcp.example.com");
});

test("the URLs that lead straight to a resource lead where looking for it does", () => {
  const shared = [byPath("linear"), byHost("wiki", "mcp.example.com")];
  const found = [resources, shared, [linear], [wiki]].flatMap((published) =>
    ["/mcp/:name", "/mcp", "/mcp/v1", "/authenticate", "/authenticate/mcp/:name"].flatMap((path) =>
      ownUrls(published, publicUrl, path).map(({ href, url: { host, pathname }, name, resource }) => {
        assert.deepEqual([new URL(href).host, new URL(href).pathname, new URL(href).href], [host, pathname, href]);
        const asked = { host, pathname, ...(name === undefined ? {} : { name }) };
        assert.equal(findResource(published, asked), resource, href);
        return href;
      })
    )
  );
  assert.ok(found.includes("http://mcp.example.com/mcp/linear"));
  assert.ok(found.includes("http://odd.example.com:8443/mcp/v1"));
  assert.ok(found.includes("http://wiki.example.com/authenticate"));
});
