// The MCP conformance suite against us as an authorization server. It prints the URL that a person would open; we play the person.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createBrowser } from "../support/browser.ts";
import { freePort } from "../support/free_port.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startSuite } from "./node22.ts";
import { clientId, downstreamName, key, setStage, type Stage } from "./stage.ts";
import { readChecks } from "./suite_checks.ts";

let stage: Stage | undefined;
before(async () => {
  stage = await setStage();
});
after(() => stage?.[Symbol.asyncDispose]());

async function preRegistered(): Promise<string> {
  return clientId;
}

async function dynamicallyRegistered(redirectUri: string): Promise<string> {
  const client = await createTestClient(stage!.proxy.url, downstreamName, { redirect_uris: [redirectUri] });
  return client.clientId;
}

/** Publishes a Client ID Metadata Document on loopback, which the stage's configuration allows. */
async function describedByDocument(redirectUri: string, cleanup: AsyncDisposableStack): Promise<string> {
  const url = `http://127.0.0.1:${await freePort()}/client.json`;
  const document = {
    client_id: url,
    client_name: "Conformance suite",
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: "none",
  };
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((listening) => server.listen(Number(new URL(url).port), "127.0.0.1", listening));
  cleanup.defer(() => {
    server.closeAllConnections();
    return new Promise<void>((closed) => server.close(() => closed()));
  });
  return url;
}

for (
  const [who, identify, namesResource] of [
    ["a pre-registered client that names no resource", preRegistered, false],
    ["a pre-registered client that names the resource", preRegistered, true],
    ["a dynamically registered client", dynamicallyRegistered, true],
    ["a client described by its metadata document", describedByDocument, true],
  ] as const
) {
  test(`conformance suite, authorization: metadata and code grant pass for ${who}`, async () => {
    await using cleanup = new AsyncDisposableStack();
    const { resource, folder } = stage!;
    const port = await freePort();
    const results = join(folder, String(port));
    const suite = startSuite([
      ...[
        "authorization",
        "--url",
        resource,
        "--client-id",
        await identify(`http://127.0.0.1:${port}/callback`, cleanup),
      ],
      ...(namesResource ? ["--resource", resource] : []),
      ...["-p", String(port), "-o", results],
    ]);
    cleanup.defer(() => suite.destroy());
    const [url] = await suite.waitFor(/http:\S+response_type=code\S+(?=\n)/);
    await suite.waitFor(/Callback server started/);
    const browser = createBrowser();
    const answer = await browser.submit(await browser.get(url), { token: key, decision: "allow" });
    assert.equal(answer.status, 303, answer.html);
    assert.equal((await browser.get(answer.location!)).status, 200);
    await suite.ended;
    assert.deepEqual(await readChecks(results), [
      { name: "authorization-code-grant/authorization-code-grant", status: "SUCCESS" },
      { name: "authorization-server-metadata-endpoint/authorization-server-metadata", status: "SUCCESS" },
      { name: "authorization-server-metadata-endpoint/authorization-server-metadata-cimd", status: "SUCCESS" },
    ]);
  });
}
