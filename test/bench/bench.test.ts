// What the bench computes from what it measured; and that it runs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { createBodyDecoder } from "./body_decoder.ts";
import { patternChecker, patternFrom } from "./byte_pattern.ts";
import { verdict } from "./report.ts";
import { interleave } from "./rounds.ts";
import type { Aim } from "./section.ts";
import { medianOf, printNumber, printSpread, quantile, ratios, spreadOf } from "./statistics.ts";
import { needs } from "../support/programs.ts";

test("a median is that of the rounds, between two of them where their number is even", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, lowest: 1, highest: 3 });
  assert.equal(medianOf([4, 1, 2, 10]), 3);
  assert.throws(() => spreadOf([]), TypeError);
});

test("a quantile lies between its neighbours", () => {
  assert.equal(quantile([0, 10, 20, 30, 40], 0.5), 20);
  assert.equal(quantile([0, 100], 0.99), 99);
});

test("ratios are taken within each round", () => {
  assert.deepEqual(ratios([10, 30], [20, 10]), [0.5, 3]);
});

test("numbers are printed with thin groups and as many digits as asked for", () => {
  assert.equal(printNumber(1234567.891, 1), "1 234 567.9");
  assert.equal(printNumber(0.123456, 4), "0.1235");
  assert.equal(printSpread({ median: 2, lowest: 1, highest: 3 }, 1), "2.0 (1.0 to 3.0)");
  assert.equal(printSpread({ median: 2, lowest: 2, highest: 2 }, 0), "2");
});

const verdicts: [Pick<Aim, "is" | "limit" | "measured">, string][] = [
  [{ is: "at least", limit: 0.45, measured: 0.45 }, "met"],
  [{ is: "at least", limit: 0.5, measured: 0.4 }, "missed by 20 %"],
  [{ is: "at most", limit: 40, measured: 39 }, "met"],
  [{ is: "at most", limit: 40, measured: 40.1 }, "missed by 1 %"],
  [{ is: "at most", limit: 0, measured: 1 }, "missed"],
  [{ is: "at most", limit: 2, measured: NaN }, "not measured"],
  [{ is: "at most", limit: 1000, measured: Infinity }, "missed"],
];
for (const [aim, expected] of verdicts) {
  test(`${aim.measured}, wanted ${aim.is} ${aim.limit}: ${expected}`, () => {
    assert.equal(verdict({ what: "", unit: "", ...aim }), expected);
  });
}

test("every round measures every row once, and begins with another", async () => {
  const order: string[] = [];
  const samples = await interleave(["a", "b", "c"], 2, (row, round) => {
    order.push(`${row}${round}`);
    return Promise.resolve(round);
  });
  assert.deepEqual(order, ["a0", "b0", "c0", "b1", "c1", "a1"]);
  assert.deepEqual([...samples], [["a", [0, 1]], ["b", [0, 1]], ["c", [0, 1]]]);
});

test("a chunked body is the same however it was cut (RFC 9112 §7.1)", () => {
  const wire = Buffer.from("5\r\nhello\r\nb\r\n, my world!\r\n0\r\n\r\n");
  for (let cut = 1; cut < wire.length; cut++) {
    const decoder = createBodyDecoder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
    const parts = [...decoder.take(wire.subarray(0, cut)), ...decoder.take(wire.subarray(cut))];
    assert.equal(Buffer.concat(parts).toString(), "hello, my world!");
  }
  assert.throws(() => createBodyDecoder("\r\ntransfer-encoding: chunked").take(Buffer.from("oops\r\n")));
});

test("a body that lost, doubled or changed a piece is not identical", () => {
  const bytes = 3_000_000;
  const whole = Buffer.concat(
    Array.from({ length: bytes / 60_000 }, (_, i) => patternFrom(i * 60_000, 60_000)),
  );
  const isIdentical = (...parts: Buffer[]) => {
    const checker = patternChecker();
    parts.forEach(checker.take);
    return checker.isIdentical();
  };
  assert.equal(isIdentical(whole.subarray(0, 70_001), whole.subarray(70_001)), true);
  assert.equal(isIdentical(whole.subarray(0, 65_536), whole.subarray(131_072)), false);
  assert.equal(isIdentical(whole.subarray(0, 65_536), whole), false);
  const changed = Buffer.from(whole);
  changed[2_000_000]! ^= 1;
  assert.equal(isIdentical(changed), false);
});

// The program is the same whatever runs this test.
const left = "Deno" in globalThis ? "runs on Bun" : needs("taskset", "nginx", "wrk");
test("npm run bench: a section starts what it compares, and prints its table and aims", { skip: left }, async () => {
  const bench = spawn(process.execPath, ["scripts/bench.ts", "--only", "cold-start,binary", "--rounds", "1"], {
    cwd: resolve(import.meta.dirname!, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  bench.stdout.setEncoding("utf8").on("data", (chunk: string) => output += chunk);
  const code = await new Promise((settle) => bench.on("close", settle));
  assert.equal(code, 0, output);
  assert.match(output, /### Cold start[^]*\| mcp-oauth-proxy \| 3 \| [\d\s]+ \([\d\s]+ to [\d\s]+\) \|/);
  assert.match(output, /\| size \| at most 110\.0 MB \| 1\d\d\.\d MB \| /);
  assert.match(output, /Wrong answers: 0\. Steal \d+\.\d %, other processes \d+\.\d % of all cores\./);
});
