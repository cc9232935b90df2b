// Reads what Prometheus reads, and is as strict about it.
import assert from "node:assert/strict";

export interface Sample {
  /** As written: `_bucket`, `_sum`, `_count` and `_total` are part of it. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface MetricsText {
  samples: Sample[];
  /** Name of the family, as in `# TYPE` -> its type. */
  types: Map<string, string>;
  /** The value of the one sample with this name and these labels (others may be there too); undefined when there is none. */
  find(name: string, labels?: Record<string, string>): number | undefined;
}

const samplePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** @throws AssertionError at a line that Prometheus would refuse */
export function parseMetrics(text: string, format: "prometheus" | "openmetrics" = "prometheus"): MetricsText {
  assert.ok(text.endsWith(format === "openmetrics" ? "\n# EOF\n" : "\n"), "the text ends as its format says");
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.replace(/# EOF\n$/, "").trimEnd().split("\n")) {
    if (line === "") assert.equal(format, "prometheus", "OpenMetrics has no blank lines");
    else if (line.startsWith("# HELP ")) assert.match(line, /^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* \S/);
    else if (line.startsWith("# TYPE ")) {
      const [, name = "", type = ""] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
      assert.ok(name !== "" && !types.has(name), `one type for each family: ${line}`);
      types.set(name, type);
    } else samples.push(parseSample(line));
  }
  for (const { name } of samples) assert.ok(types.has(familyOf(name, types, format)), `${name} has no # TYPE`);
  const series = samples.map(({ name, labels }) => name + JSON.stringify(Object.entries(labels).sort()));
  assert.equal(new Set(series).size, series.length, "no series stands there twice");
  return {
    samples,
    types,
    find(name, labels = {}) {
      const found = samples.filter((sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
      );
      assert.ok(found.length <= 1, `${name} ${JSON.stringify(labels)} is ambiguous`);
      return found[0]?.value;
    },
  };
}

function parseSample(line: string): Sample {
  const [, name = "", labelText = "", value = ""] = samplePattern.exec(line) ?? [];
  assert.ok(name !== "" && !Number.isNaN(Number(value.replace("+Inf", "Infinity"))), `no sample: ${line}`);
  const labels: Record<string, string> = {};
  labelPattern.lastIndex = 0;
  for (let at = 0; at < labelText.length; at = labelPattern.lastIndex) {
    const match = labelPattern.exec(labelText);
    assert.ok(match, `bad labels: ${line}`);
    labels[match[1]!] = match[2]!;
  }
  return { name, labels, value: Number(value) };
}

function familyOf(name: string, types: ReadonlyMap<string, string>, format: string): string {
  const withoutSuffix = name.replace(/_(bucket|sum|count)$/, "");
  if (types.get(withoutSuffix) === "histogram") return withoutSuffix;
  return format === "openmetrics" ? name.replace(/_total$/, "") : name;
}
