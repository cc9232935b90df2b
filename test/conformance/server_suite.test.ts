// The MCP conformance suite against a server directly and through us: a proxy must change no finding.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testClient } from "../support/oauth_test_client.ts";
import { startScript, startSuite } from "./node22.ts";
import { clientId, downstreamName, key, setStage, type Stage } from "./stage.ts";
import { type Check, readChecks } from "./suite_checks.ts";

/** Findings at each version; fewer would mean that the suite or the reference server lost something. */
const versions = { "2025-06-18": 56, "2025-11-25": 84, "2026-07-28": 152 };

let stage: Stage | undefined;
before(async () => {
  stage = await setStage();
});
after(() => stage?.[Symbol.asyncDispose]());

/** The suite against `target`, which wants `token`. A scenario takes 3 s at most; 10 s leaves room for a busy machine. */
async function runSuite(target: string, token: string, version: string, folder: string): Promise<Check[]> {
  await using forwarder = await startScript("forwarder.ts", target, token);
  const suite = startSuite(
    ["server", "--url", forwarder.url, "--spec-version", version, "--suite", "all", "--timeout", "10000", "-o", folder],
  );
  try {
    await suite.ended;
  } finally {
    await suite.destroy();
  }
  return await readChecks(folder);
}

for (const [version, least] of Object.entries(versions)) {
  test(`conformance suite, server at ${version}: every check has the same status directly and through the proxy`, async () => {
    const { downstreamUrl, proxy, resource, folder } = stage!;
    const { access_token: token = "" } = await testClient(proxy.url, downstreamName, clientId).signIn(key);
    const [direct, proxied] = await Promise.all([
      runSuite(downstreamUrl, key, version, join(folder, `direct-${version}`)),
      runSuite(resource, token, version, join(folder, `proxied-${version}`)),
    ]);
    assert.ok(direct.length >= least, `${direct.length} findings, expected at least ${least}`);
    assert.deepEqual(direct.filter((check) => check.status !== "SUCCESS"), [], "the reference server passes by itself");
    assert.deepEqual(proxied.filter((check) => check.status !== "SUCCESS"), [], "nothing fails through the proxy");
    assert.deepEqual(proxied, direct);
  });
}
