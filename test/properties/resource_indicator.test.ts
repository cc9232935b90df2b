// RFC 8707: which texts name a resource of ours, by the reading of RFC 3986 instead of a browser's.
import assert from "node:assert/strict";
import fc from "fast-check";
import { isSameResource } from "../../lib/oauth/resource_indicator.ts";
import { mutated } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const ours = [
  "https://mcp.example.com/mcp/linear",
  "https://wiki.example.com",
  "http://127.0.0.1:8080/mcp/a.b",
  "https://h.example:8443/mcp",
];
const resource = fc.constantFrom(...ours);
const spelling = fc.constantFrom<(uri: string) => string>(
  (uri) => uri,
  (uri) => `${uri}/`,
  (uri) => uri.replace(/^[^/]+\/\/[^/]+/, (origin) => origin.toUpperCase()),
  (uri) => uri.replace(/^https:\/\/([^/:]+)(?=\/|$)/, "https://$1:443"),
);

/** RFC 3986 §3 and appendix B, then §6.2.2.1 and §6.2.3: case of scheme and host, the default port, one slash at the end. */
function normal(uri: string): string | undefined {
  const [, scheme, host, port, path] =
    /^(https?):\/\/([A-Za-z0-9.-]+)(?::(\d*))?(\/[\w.~!$&'()*+,;=:@%\/-]*)?$/i.exec(uri) ?? [];
  if (scheme === undefined || Number(port ?? 0) > 65_535) return undefined;
  const defaultPort = scheme.toLowerCase() === "https" ? 443 : 80;
  const number = port === undefined || port === "" ? defaultPort : Number(port);
  return `${scheme.toLowerCase()}://${host!.toLowerCase()}:${number}${(path ?? "").replace(/\/$/, "")}`;
}

property(
  "S1-13, RFC 8707 §2: a resource is ours in its canonical spelling, another case, with its default port or a slash more",
  {
    runs: 100,
    of: [resource, spelling, spelling],
  },
  (uri, first, second) => {
    assert.ok(isSameResource(first(second(uri)).replace(/\/\/$/, "/"), uri), first(second(uri)));
  },
);

property("S1-13, RFC 8707 §2: any other text is another resource or none, also where a browser would mend it", {
  runs: 400,
  of: [fc.oneof(mutated(resource), mutated(mutated(resource)), mutated(resource.map((uri) => `${uri}/`))), resource],
}, (requested, uri) => {
  assert.equal(isSameResource(requested, uri), normal(requested) === normal(uri), requested);
});
