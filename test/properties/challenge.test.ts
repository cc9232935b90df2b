// WWW-Authenticate: what we write says the same to a parser that is not ours, and what others write hurts nobody.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type BearerChallenge, parseBearer, parseChallenge, printChallenge } from "../../lib/oauth/bearer.ts";
import { headerText, oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

/** RFC 9110 §11.6.1, one challenge: scheme and parameters, read by position, without a pattern that could skip anything. */
function read(header: string): [scheme: string, parameters: [string, string][]] {
  let at = 0;
  const token = () => {
    const start = at;
    while (at < header.length && /[\w!#$%&'*+.^`|~-]/.test(header[at]!)) at++;
    assert.ok(at > start, `no token at ${start} of ${header}`);
    return header.slice(start, at);
  };
  const expect = (text: string) => {
    assert.equal(header.slice(at, at + text.length), text);
    at += text.length;
  };
  const scheme = token();
  const parameters: [string, string][] = [];
  while (at < header.length) {
    expect(parameters.length === 0 ? " " : ", ");
    const name = token();
    expect('="');
    let value = "";
    while (header[at] !== '"') {
      if (header[at] === "\\") at++;
      assert.ok(at < header.length, "a quote without an end");
      value += header[at++];
    }
    at++;
    parameters.push([name, value]);
  }
  return [scheme, parameters];
}

const challenge: fc.Arbitrary<BearerChallenge> = fc.record({
  error: oddText,
  error_description: oddText,
  scope: oddText,
  realm: oddText,
  resource_metadata: oddText,
}, { requiredKeys: [] });

/** RFC 6750 §3: what may stand in a value. */
const allowed = (text: string) =>
  [...text].filter((character) => /^[\x20\x21\x23-\x5B\x5D-\x7E]$/.test(character)).join("");

property(
  "RFC 6750 §3: a challenge says to any parser what it was made of, less the characters that no value may have",
  {
    runs: 200,
    of: [challenge],
  },
  (made) => {
    const header = printChallenge(made);
    const wanted = Object.entries(made).map(([name, value]) => [name, allowed(value as string)] as [string, string]);
    const [scheme, parameters] = read(header);
    assert.equal(scheme, "Bearer");
    assert.deepEqual(parameters.filter(([, value]) => value !== ""), wanted.filter(([, value]) => value !== ""));
    assert.deepEqual(parseChallenge(header), Object.fromEntries(parameters));
    assert.equal(new Headers({ "www-authenticate": header }).get("www-authenticate"), header);
  },
);

property("a challenge among others, and anything that calls itself one, is read without a throw and in no time", {
  runs: 200,
  of: [challenge, headerText, headerText, fc.integer({ min: 1, max: 20_000 })],
}, (made, before, after, times) => {
  const header = `${before}, ${printChallenge(made)}, ${after}`;
  const started = performance.now();
  parseChallenge(header);
  parseChallenge(header.repeat(times).slice(0, 100_000));
  parseBearer(`Bearer ${before.repeat(times).slice(0, 100_000)}`);
  assert.ok(performance.now() - started < 3_000);
  assert.deepEqual(
    parseChallenge(`Basic realm="x", ${printChallenge(made)}, Digest realm="y"`),
    parseChallenge(printChallenge(made)),
  );
});
