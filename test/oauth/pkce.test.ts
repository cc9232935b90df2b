import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPkce, codeChallengeOf, isCodeChallenge } from "../../lib/oauth/pkce.ts";

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

test("S1-33: the pair of RFC 7636 appendix B passes", () => {
  assert.equal(codeChallengeOf(verifier), challenge);
  assert.doesNotThrow(() => checkPkce(verifier, challenge));
});

for (
  const [what, text] of [
    ["another verifier", "A".repeat(43)],
    ["an empty one", ""],
    ["42 characters", verifier.slice(1)],
    ["129 characters", "a".repeat(129)],
    ["a character outside the alphabet", "+" + verifier.slice(1)],
    ["the challenge itself (plain)", challenge],
  ] as const
) {
  test(`S1-33, S1-34: ${what} is refused with invalid_grant that mentions PKCE (RFC 7636 §4.1, §4.6)`, () => {
    assert.throws(
      () => checkPkce(text, challenge),
      (error: Error & { code?: string }) => error.code === "invalid_grant" && error.message.includes("PKCE"),
    );
  });
}

for (
  const [text, ok] of [[challenge, true], ["", false], [challenge.slice(1), false], [challenge + "a", false], [
    "=" + challenge.slice(1),
    false,
  ]] as const
) {
  test(`S1-34: ${JSON.stringify(text)} is ${ok ? "a" : "no"} code_challenge (RFC 7636 §4.2)`, () => {
    assert.equal(isCodeChallenge(text), ok);
  });
}
