import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serverTable } from "../support/config_text.ts";
import { freePort } from "../support/free_port.ts";
import { runProgram } from "../support/program.ts";
import { startProxy } from "../support/proxy_process.ts";

const notes = `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`;

for (
  const [args, says] of [
    [["doctor", "ftp://a.example"], /takes an http or https URL/],
    [["doctor", "https://a.example/mcp/x?key=1"], /without user, query and fragment/],
    [["doctor", "https://me:pw@a.example/"], /without user, query and fragment/],
    [["doctor", "a.example", "b.example"], /no further words, but there is "b\.example"/],
    [["doctor", "a.example", "-c", "x.toml"], /a URL or --config, not both/],
    [["doctor", "a.example", "--seconds", "5"], /--seconds belongs to --long/],
    [["doctor", "a.example", "--long", "--seconds", "500"], /--seconds takes a number from 0 to 150/],
    [["check", "--json"], /check has no option --json; it belongs to doctor/],
  ] as const
) {
  test(`${args.join(" ")} is wrong usage: exit code 2 and what is wrong`, async () => {
    const { code, output } = await runProgram([...args]);
    assert.equal(code, 2, output);
    assert.match(output, says);
    assert.doesNotMatch(output, /pw@/);
  });
}

test("doctor finds the only server of a host, and prints a line for each finding", async () => {
  await using proxy = await startProxy({ toml: notes });
  const { code, output } = await runProgram(["doctor", `127.0.0.1:${proxy.port}`]);
  assert.equal(code, 0, output);
  assert.match(output, /^ {2}ok {4}resource {5}the resource is http:\/\/127\.0\.0\.1:\d+\/mcp\/notes$/m);
  assert.match(output, /^ {2}ok {4}stream /m);
  assert.match(output, /Clients can connect, with 1 warning\. .*--long/);
});

test("check --public looks from outside as well, and without a running proxy it fails", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    const path = join(folder, "config.toml");
    const publicUrl = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(path, serverTable.replace(/public_url = .*/, `public_url = "${publicUrl}"`) + notes);
    for (const args of [["check", "--public", "-c", path], ["doctor", "-c", path]]) {
      const { code, output } = await runProgram(args);
      assert.equal(code, 1, output);
      assert.ok(output.includes(`${publicUrl}/mcp/notes\n`), output);
      assert.match(output, /FAIL {2}resource {5}the connection is refused/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
