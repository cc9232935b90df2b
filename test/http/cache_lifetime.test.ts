import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheLifetimeSeconds } from "../../lib/http/cache_lifetime.ts";

const limits = { min: 60, max: 86_400, fallback: 600 };
const date = "Sun, 06 Nov 1994 08:49:37 GMT";

const cases: [what: string, headers: Record<string, string>, expected: number][] = [
  ["nothing said: the fallback", {}, 600],
  ["nothing said, with Age: the fallback", { age: "500" }, 600],
  ["max-age", { "cache-control": "max-age=3600" }, 3600],
  ["max-age in upper case among others", { "cache-control": "public, Max-Age=3600, must-revalidate" }, 3600],
  ["max-age quoted (RFC 9111 §5.2)", { "cache-control": 'max-age="3600"' }, 3600],
  ["s-maxage before max-age, in either order (§4.2.1)", { "cache-control": "max-age=100, s-maxage=3600" }, 3600],
  ["s-maxage before max-age, in either order (§4.2.1)", { "cache-control": "s-maxage=3600,max-age=100" }, 3600],
  [
    "max-age before Expires (§5.3)",
    { "cache-control": "max-age=100", date, expires: "Sun, 06 Nov 1994 09:49:37 GMT" },
    100,
  ],
  ["Age is subtracted (§4.2)", { "cache-control": "max-age=3600", age: "600" }, 3000],
  ["Age beyond max-age: the minimum", { "cache-control": "max-age=600", age: "4000" }, 60],
  ["an Age that is no number is ignored (§5.1)", { "cache-control": "max-age=600", age: "soon" }, 600],
  ["capped", { "cache-control": "max-age=31536000" }, 86_400],
  ["capped beyond what a number holds", { "cache-control": `max-age=${"9".repeat(400)}` }, 86_400],
  ["capped first, then Age: still capped", { "cache-control": "max-age=31536000", age: "100" }, 86_400],
  ["max-age=0: the minimum", { "cache-control": "max-age=0" }, 60],
  ["no-store: the minimum", { "cache-control": "no-store, max-age=3600" }, 60],
  ["no-cache: the minimum", { "cache-control": "max-age=3600, no-cache" }, 60],
  ["no-cache with fields: the minimum", { "cache-control": 'no-cache="set-cookie", max-age=3600' }, 60],
  ["private: the minimum, as our cache is shared (§5.2.2.7)", { "cache-control": "private, max-age=3600" }, 60],
  [
    "a comma inside quotes does not start a directive",
    { "cache-control": 'x="a, no-store, max-age=1", max-age=3600' },
    3600,
  ],
  [
    "a directive whose name only contains another",
    { "cache-control": "x-no-store, not-max-age=1, max-age=3600" },
    3600,
  ],
  ["max-age that is no number: stale (§4.2.1)", { "cache-control": "max-age=soon" }, 60],
  ["max-age negative: stale", { "cache-control": "max-age=-1" }, 60],
  ["max-age with a fraction: stale", { "cache-control": "max-age=3600.5" }, 60],
  ["max-age empty: stale", { "cache-control": "max-age=" }, 60],
  ["max-age without a value: stale", { "cache-control": "max-age" }, 60],
  ["max-age twice: the shorter", { "cache-control": "max-age=3600, max-age=120" }, 120],
  ["other directives only: the fallback", { "cache-control": "public, immutable" }, 600],
  ["Expires less Date", { date, expires: "Sun, 06 Nov 1994 09:49:37 GMT" }, 3600],
  ["Expires less Date less Age", { date, expires: "Sun, 06 Nov 1994 09:49:37 GMT", age: "600" }, 3000],
  ["Expires in the past: the minimum", { date, expires: "Sun, 06 Nov 1994 07:49:37 GMT" }, 60],
  ["Expires: 0 is in the past (§5.3)", { date, expires: "0" }, 60],
  ["Expires without Date: the fallback", { expires: "Sun, 06 Nov 1994 09:49:37 GMT" }, 600],
];

for (const [what, headers, expected] of cases) {
  test(`cache lifetime: ${what} (${JSON.stringify(headers).slice(0, 70)})`, () => {
    assert.equal(cacheLifetimeSeconds(new Headers(headers), limits), expected);
  });
}

test("cache lifetime: a minimum of zero lets an answer forbid caching", () => {
  const headers = new Headers({ "cache-control": "no-store" });
  assert.equal(cacheLifetimeSeconds(headers, { ...limits, min: 0 }), 0);
});
