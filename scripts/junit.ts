// Reads the JUnit reports of `bun test` and `deno test`; only what both write.

export interface TestCase {
  file: string;
  name: string;
  outcome: "passed" | "failed" | "skipped";
}

/** The tests of one report. A group (`describe`) that Deno lists beside its own tests is not counted as one. */
export function parseJUnit(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  for (const [, attributes = "", inside = ""] of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    cases.push({
      file: attribute(attributes, "file") ?? attribute(attributes, "classname") ?? "",
      name: attribute(attributes, "name") ?? "",
      outcome: /<(failure|error)\b/.test(inside) ? "failed" : /<skipped\b/.test(inside) ? "skipped" : "passed",
    });
  }
  return cases.filter(({ name }) => !cases.some((other) => other.name.startsWith(`${name} > `)));
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function attribute(attributes: string, name: string): string | undefined {
  return attributes.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1]
    ?.replace(/&(\w+);/g, (entity, key: string) => entities[key] ?? entity)
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
