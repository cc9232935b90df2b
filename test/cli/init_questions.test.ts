import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../lib/cli/command_line.ts";
import { collectAnswers } from "../../lib/cli/init_questions.ts";
import { writeConfigText } from "../../lib/cli/init_text.ts";
import type { ChainedOAuthConfig, LoginConfig } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { stateSecret } from "../support/config_text.ts";

/** A person who gives these answers in order; the questions are kept to be looked at. */
function person(...answers: string[]) {
  const asked: string[] = [];
  const ask = (question: string) => {
    asked.push(question);
    const answer = answers.shift();
    assert.notEqual(answer, undefined, `no answer left for ${question}`);
    return Promise.resolve(answer!);
  };
  return { ask, asked, left: answers };
}

test("on a terminal init asks for the public URL and one server, and again after a wrong answer", async () => {
  const url = "https://mcp.linear.app/mcp";
  const { ask, asked, left } = person("mcp.example.com", "https://mcp.example.com", "linear", "", url, "", "");
  const answers = await collectAnswers({}, ask);
  assert.deepEqual(left, []);
  assert.match(asked[3]!, /\[Linear\]/);
  const linear = parseConfig(writeConfigText(stateSecret, answers)).resources[0]!;
  assert.deepEqual(
    [linear.displayName, linear.strategy.kind, linear.authHeaderFormat, linear.downstreamUrl],
    ["Linear", "passthrough", "Bearer", url],
  );
});

test("on a terminal a flag is not asked for again, and an empty client id means discovery", async () => {
  const { ask, left } = person("linear", "", "https://mcp.linear.app/mcp", "chained_oauth", "");
  const answers = await collectAnswers({ "public-url": "https://mcp.example.com" }, ask);
  assert.deepEqual(left, []);
  const linear = parseConfig(writeConfigText(stateSecret, answers)).resources[0]!;
  assert.equal((linear.strategy as ChainedOAuthConfig).provider, undefined);
});

for (
  const [provider, more] of [
    ["google", {}],
    ["oidc", { issuer: "https://id.example.com" }],
    ["entra", { tenant: "contoso.com" }],
    ["github", {}],
  ] as const
) {
  test(`a login at ${provider} that init wrote loads`, async () => {
    const answers = await collectAnswers({
      "public-url": "https://mcp.example.com",
      "name": "wiki",
      "url": "http://wiki:3000/mcp",
      "strategy": "login",
      "client-id": 'a "quoted" \\ id',
      "client-secret": "shh",
      "allow-domain": "example.com",
      provider,
      ...more,
    });
    const config = parseConfig(writeConfigText(stateSecret, answers));
    assert.deepEqual((config.resources[0]!.strategy as LoginConfig).providers, [provider]);
    assert.equal(config.providers.get(provider)?.clientId, 'a "quoted" \\ id');
    assert.deepEqual(config.warnings, []);
  });
}

test("without a terminal a missing answer is a usage error", async () => {
  await assert.rejects(collectAnswers({ name: "x" }), UsageError);
});
