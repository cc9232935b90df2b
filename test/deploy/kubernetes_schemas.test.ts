// What the chart renders is what Kubernetes knows: the golden files against its schemas, strictly, by kubeconform. The oldest release
// that the chart takes, and the newest whose schemas .ci/run brings.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { needs, programPath } from "../support/programs.ts";

const helm = join(import.meta.dirname!, "helm");
const chart = readFileSync(resolve(helm, "../../../deploy/helm/mcp-oauth-proxy/Chart.yaml"), "utf8");
const cache = process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "/root", ".cache");
const schemas = join(cache, "mcp-oauth-proxy/kubernetes-schemas-1.37.0");
const golden = readdirSync(helm).filter((file) => file.endsWith(".golden"))
  .map((file) => readFileSync(join(helm, file), "utf8")).join("\n---\n");
const skip = "Deno" in globalThis ? "kubeconform is the same" : needs("kubeconform", schemas);

/** Everything it found, and its summary. */
function validate(version: string, manifests: string): Promise<{ code: number | null; output: string }> {
  const locations = [`${schemas}/v${version}`, helm]
    .flatMap((folder) => ["-schema-location", `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`]);
  const program = spawn(programPath("kubeconform"), ["-strict", "-summary", ...locations, "-"]);
  let output = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output += text);
  }
  program.stdin.end(manifests);
  return new Promise((settle) => program.on("close", (code) => settle({ code, output })));
}

test("S1-57, S2-63: every rendered object is valid for Kubernetes 1.30 and 1.37, and holds nothing they don't know", {
  skip,
}, async () => {
  assert.match(chart, /^kubeVersion: ">=1\.30\.0-0"$/m, "check the oldest release that the chart takes");
  const objects = golden.match(/^kind: /gm)!.length;
  for (const { code, output } of await Promise.all(["1.30.0", "1.37.0"].map((of) => validate(of, golden)))) {
    assert.equal(code, 0, output);
    assert.match(
      output,
      new RegExp(`${objects} resources found .* Valid: ${objects}, Invalid: 0, Errors: 0, Skipped: 0`),
    );
  }
});

test("a misspelt field is found, in a built-in and in a custom resource", { skip }, async () => {
  const policyAndMonitor = golden.split(/^---$/m).filter((text) => /^kind: (NetworkPolicy|PodMonitor)$/m.test(text))
    .join("---");
  const misspelt = policyAndMonitor.replace("podSelector:", "podSelctor:").replace("honorLabels:", "honourLabels:");
  const { code, output } = await validate("1.37.0", misspelt);
  assert.equal(code, 1);
  assert.match(output, /NetworkPolicy .* additional properties 'podSelctor' not allowed/);
  assert.match(output, /PodMonitor .* additional properties 'honourLabels' not allowed/);
});
