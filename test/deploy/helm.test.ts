// The Helm chart: rendered for a table of values against golden files, and what can't work is refused while rendering.
// After a change that is meant: UPDATE_GOLDEN=1 npm test -- --only bun test/deploy/helm.test.ts
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { sections } from "../../lib/config/schema.ts";
import { stateSecret } from "../support/config_text.ts";
import { needs, programPath } from "../support/programs.ts";

const root = resolve(import.meta.dirname!, "../..");
const chart = join(root, "deploy/helm/mcp-oauth-proxy");
const values = join(import.meta.dirname!, "helm");
const cases = readdirSync(values).filter((file) => file.endsWith(".values.yaml")).map((file) => file.split(".")[0]!);
const skip = needs("helm");

/** A helm built by `go install` thinks that Kubernetes is 1.20. */
const kubernetes = ["--kube-version", "1.31.0"];

function helm(args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(programPath("helm"), args, { encoding: "utf8" });
}

const render = (...args: string[]) =>
  helm(["template", "release", chart, "--namespace", "mcp", ...kubernetes, ...args]);
const valuesOf = (name: string) => join(values, `${name}.values.yaml`);

/** A document of the rendered chart. */
function documentOf(rendered: string, kind: string): string | undefined {
  return rendered.split(/^---$/m).find((text) => new RegExp(`^kind: ${kind}$`, "m").test(text));
}

for (const name of cases) {
  test(`S1-57, S2-63: the chart renders ${name}.values.yaml as its golden file`, { skip }, () => {
    const { status, stdout, stderr } = render("-f", valuesOf(name));
    assert.equal(status, 0, stderr);
    const golden = join(values, `${name}.golden`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, stdout);
    assert.equal(stdout, readFileSync(golden, "utf8"));
  });

  test(`the proxy loads the config.toml of ${name}.values.yaml with the environment of its container`, { skip }, () => {
    const { stdout } = render("-f", valuesOf(name));
    const toml = /config\.toml: \|\n((?: {4}.*\n|\n)+)/.exec(documentOf(stdout, "ConfigMap")!)![1]!;
    const names = [...documentOf(stdout, "Deployment")!.matchAll(/- name: ((?:MCP_PROXY|SECRET)_\w+)/g)];
    const env = Object.fromEntries(names.map(([, name]) => [
      name!,
      name === "SECRET_STORE_URL" ? "redis://redis:6379/0" : stateSecret,
    ]));
    assert.ok(parseConfig(toml.replaceAll(/^ {4}/gm, ""), env).resources.length > 0);
  });

  test(`no secret of ${name}.values.yaml stands anywhere but in a Secret`, { skip }, () => {
    const written = [...readFileSync(valuesOf(name), "utf8").matchAll(/(?:state|client)Secret: (\S+)/g)].map((m) =>
      m[1]!
    );
    const { stdout } = render("-f", valuesOf(name));
    const elsewhere = stdout.split(/^---$/m).filter((text) => !/^kind: Secret$/m.test(text)).join();
    for (const secret of written) assert.ok(!elsewhere.includes(secret), secret);
  });

  test(`helm lint finds nothing in the chart with ${name}.values.yaml`, { skip }, () => {
    const { status, stdout } = helm(["lint", "--strict", chart, ...kubernetes, "-f", valuesOf(name)]);
    assert.equal(status, 0, stdout);
  });
}

const refusals: [what: string, changes: string[], message: RegExp][] = [
  [
    "no state secret (S1-57)",
    ["server.stateSecret="],
    /server\.stateSecret or server\.stateSecretRef\.name is required/,
  ],
  ["several replicas without Redis", ["replicaCount=2"], /store\.url: several replicas/],
  ["autoscaling without Redis", ["autoscaling.enabled=true"], /store\.url: several replicas/],
  ["no MCP server", ["downstreams=null"], /downstreams: name at least one MCP server/],
  [
    "consent turned off",
    ["proxy.disableConsentScreen=true"],
    /proxy\.disableConsentScreen: consent can't be turned off/,
  ],
  ["hosts without a provider", ["proxy.hosts[0].host=a.example"], /provider\.name/],
  ["too little time to drain", ["terminationGracePeriodSeconds=15"], /terminationGracePeriodSeconds/],
  ["a misspelt value", ["server.publicURL=https://a.example"], /publicURL/],
  ["a wrong type", ["server.port=http"], /port/],
];
for (const [what, changes, message] of refusals) {
  test(`the chart refuses ${what}, in words`, { skip }, () => {
    const { status, stderr } = render("-f", valuesOf("passthrough"), ...changes.flatMap((set) => ["--set", set]));
    assert.notEqual(status, 0);
    assert.match(stderr, message);
  });
}

test("the values of docs/install.md render", { skip }, () => {
  const document = readFileSync(join(root, "docs/install.md"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "values-"));
  try {
    const file = join(folder, "values.yaml");
    writeFileSync(file, /```yaml\n([\s\S]*?)```/.exec(document)![1]!);
    const { status, stdout, stderr } = render("-f", file);
    assert.equal(status, 0, stderr);
    assert.ok(documentOf(stdout, "Ingress"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a changed value or secret changes the pod's checksums, so that it is replaced", { skip }, () => {
  const sums = (...args: string[]) =>
    documentOf(render("-f", valuesOf("passthrough"), ...args).stdout, "Deployment")!.match(/checksum\/\w+: \w+/g)!;
  const [config, secret] = sums();
  assert.deepEqual(sums("--set", "server.authCodeTtl=60").map((sum, at) => sum === [config, secret][at]), [
    false,
    true,
  ]);
  const changed = sums("--set", `server.stateSecret=${stateSecret}`);
  assert.deepEqual(changed.map((sum, at) => sum === [config, secret][at]), [true, false]);
});

test("values.schema.json knows every key of config.toml", () => {
  const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8"));
  const { properties, $defs } = schema;
  const homes: Record<string, Record<string, unknown>> = {
    "[server]": { ...properties.server.properties, previousStateSecrets: {}, retiredStateSecrets: {} },
    "[downstream.NAME]": { ...$defs.downstream.properties, ...prefixed("oauth", $defs.downstream.properties.oauth) },
    "[[downstream.NAME.tool_scopes]]": $defs.toolScope.properties,
    "[provider.NAME]": $defs.provider.properties,
    "[clients]": properties.clients.properties,
    "[client.ID]": $defs.client.properties,
    "[tokens]": properties.tokens.properties,
    "[store]": properties.store.properties,
    "[rate_limit]": properties.rateLimit.properties,
  };
  for (const { header, keys } of sections) {
    const home = homes[header];
    if (home === undefined) continue; // [log] and [metrics] have values of their own
    for (const key of Object.keys(keys)) {
      assert.ok(camelCase(key) in home, `add ${camelCase(key)} (${header}) to values.schema.json`);
    }
  }
});

function prefixed(prefix: string, { properties }: { properties: Record<string, unknown> }): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [prefix + key[0]!.toUpperCase() + key.slice(1), value]),
  );
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
