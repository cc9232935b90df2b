import assert from "node:assert/strict";
import { test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { runProgram } from "../support/program.ts";

/** Deno has a warning of its own before. */
function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1)!;
}

for (const flag of ["--version", "-V"]) {
  test(`S1-53: ${flag} prints the version of package.json`, async () => {
    const { code, output } = await runProgram([flag]);
    assert.equal(code, 0);
    assert.equal(lastLine(output), `mcp-oauth-proxy ${packageJson.version}`);
  });
}

for (const args of [["--help"], ["-h"], ["help"], ["check", "--help"]]) {
  test(`S1-53: ${args.join(" ")} names every command and every option of seed 1`, async () => {
    const { code, output } = await runProgram(args);
    assert.equal(code, 0);
    for (const word of ["serve", "init", "check", "secret", "--config", "--port", "--help", "--version"]) {
      assert.ok(output.includes(word), word);
    }
  });
}

test("secret prints 32 fresh bytes in base64 each time", async () => {
  const secrets = await Promise.all([runProgram(["secret"]), runProgram(["secret"])]);
  for (const { code, output } of secrets) {
    assert.equal(code, 0);
    assert.match(lastLine(output), /^[A-Za-z0-9+/]{43}=$/);
  }
  assert.notEqual(lastLine(secrets[0]!.output), lastLine(secrets[1]!.output));
});

for (
  const [args, says] of [
    [["chekc"], /no command "chekc"\. Did you mean check\?/],
    [["frobnicate"], /no command "frobnicate"/],
    [["config.toml"], /mcp-oauth-proxy -c config\.toml/],
    [["--prot", "1"], /no option --prot\. Did you mean --port\?/],
    [["init", "--port", "1"], /init has no option --port/],
    [["check", "--port", "1"], /--port belong to check --health/],
    [["check", "--health", "--public"], /not both/],
    [["-c"], /-c needs a value/],
    [["-p", "80a"], /--port takes a number/],
    [["-p", "65536"], /--port takes a number/],
    [["--workers", "0"], /--workers takes a number from 1 to 256/],
    [["-p", "1", "-p", "2"], /-p is given twice/],
    [["--help=yes"], /--help takes no value/],
    [["secret", "more"], /no further words/],
  ] as const
) {
  test(`${args.join(" ")} is wrong usage: exit code 2 and what is wrong`, async () => {
    const { code, output } = await runProgram([...args]);
    assert.equal(code, 2, output);
    assert.match(output, says);
    assert.match(output, /--help/);
  });
}
