// Who may sign in, case by case.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Identity } from "../../lib/oauth/grant.ts";
import { findRefusal, type LoginRules } from "../../lib/strategies/login_rules.ts";

const none: LoginRules = {
  providers: ["google"],
  allowEveryone: false,
  allowedUsers: [],
  allowedEmailDomains: [],
  allowedGroups: [],
};
const ada: Identity = { subject: "1076915", name: "ada", email: "Ada@Example.com", groups: ["eng"] };

function may(rules: Partial<LoginRules>, identity: Partial<Identity> = {}, provider = "google"): boolean {
  return findRefusal({ ...none, ...rules }, { provider, identity: { ...ada, ...identity } }) === undefined;
}

test("D7: without a rule nobody may; allow_everyone says otherwise", () => {
  assert.equal(may({}), false);
  assert.equal(may({ allowEveryone: true }), true);
  assert.equal(may({ allowEveryone: true }, { email: undefined, name: undefined }), true);
});

test("S2-55: domains are exact or below a star, without regard to case, and end where an address ends", () => {
  const cases: [email: string | undefined, domain: string, allowed: boolean][] = [
    ["ada@example.com", "example.com", true],
    ["ada@EXAMPLE.com", "example.com", true],
    ["ada@evil-example.com", "example.com", false],
    ["ada@example.com.evil.org", "example.com", false],
    ["ada@sub.example.com", "example.com", false],
    ["ada@sub.example.com", "*.example.com", true],
    ["ada@a.b.example.com", "*.example.com", true],
    ["ada@example.com", "*.example.com", false],
    ["ada@.example.com", "*.example.com", false],
    ["ada@evilexample.com", "*.example.com", false],
    ["ada@examplexcom", "example.com", false],
    ["ada@evil.org@example.com", "example.com", false],
    ['"ada@evil.org"@example.com', "example.com", false],
    ["example.com", "example.com", false],
    ["@example.com", "example.com", false],
    ["ada@", "example.com", false],
    ["ada@example.com\n", "example.com", false],
    ["", "example.com", false],
    [undefined, "example.com", false],
  ];
  for (const [email, domain, allowed] of cases) {
    assert.equal(may({ allowedEmailDomains: [domain] }, { email }), allowed, `${JSON.stringify(email)} in ${domain}`);
  }
});

test("S2-62: users are named by verified address, id or user name", () => {
  for (const user of ["ada@example.com", "ADA@example.com", "1076915", "ada"]) {
    assert.equal(may({ allowedUsers: ["x", user] }), true, user);
  }
  for (const user of ["ADA", "ada@example", "107691", "*", "", "google"]) {
    assert.equal(may({ allowedUsers: [user] }), false, user);
  }
  assert.equal(may({ allowedUsers: ["ada@example.com"] }, { email: undefined }), false, "an address nobody verified");
});

test("S2-62: a user name that looks like an address is no address", () => {
  for (const user of ["ada@example.com", "google|ada@example.com"]) {
    assert.equal(may({ allowedUsers: [user] }, { email: undefined, name: "ada@example.com" }), false, user);
  }
  assert.equal(may({ allowedEmailDomains: ["example.com"] }, { email: undefined, name: "ada@example.com" }), false);
});

test("S2-62: with several providers an id or user name counts only with its provider before it", () => {
  const several = { providers: ["google", "github"] };
  assert.equal(may({ ...several, allowedUsers: ["ada"] }, {}, "github"), false);
  assert.equal(may({ ...several, allowedUsers: ["github|ada"] }, {}, "github"), true);
  assert.equal(may({ ...several, allowedUsers: ["github|ada"] }, {}, "google"), false);
  assert.equal(may({ ...several, allowedUsers: ["github|1076915"] }, {}, "github"), true);
  assert.equal(may({ ...several, allowedUsers: ["ada@example.com"] }, {}, "github"), true, "verified is verified");
  assert.equal(may({ allowedUsers: ["google|ada"] }), true, "also where there is one");
});

test("S2-62: groups are exact, one is enough; groups that are addresses go without regard to case", () => {
  assert.equal(may({ allowedGroups: ["ops", "eng"] }), true);
  assert.equal(may({ allowedGroups: ["ENG"] }), false);
  assert.equal(may({ allowedGroups: ["/eng"] }), false);
  assert.equal(may({ allowedGroups: ["eng"] }, { groups: undefined }), false);
  assert.equal(may({ allowedGroups: ["eng"] }, { groups: [] }), false);
  assert.equal(may({ allowedGroups: ["Eng@Example.com"] }, { groups: ["eng@example.com"] }), true);
});

test("S2-62: domain and group both have to hold where both are given; a listed user needs neither", () => {
  const both = { allowedEmailDomains: ["example.com"], allowedGroups: ["eng"] };
  assert.equal(may(both), true);
  assert.equal(may(both, { groups: ["ops"] }), false);
  assert.equal(may(both, { email: "ada@evil.org" }), false);
  assert.equal(may({ ...both, allowedUsers: ["1076915"] }, { groups: [], email: undefined }), true);
});
