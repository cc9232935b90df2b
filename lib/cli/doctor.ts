// doctor: the public URL as an MCP client on the outside sees it, one line each.
import { examine } from "../doctor/examine.ts";
import type { Finding, Level } from "../doctor/finding.ts";
import { oneLine } from "../telemetry/one_line.ts";
import { UsageError } from "./command_line.ts";
import { loadOrReport } from "./load_or_report.ts";

export interface DoctorOptions {
  /** As typed; the configuration's servers when absent. */
  url?: string | undefined;
  configPath: string;
  /** One JSON document instead of lines. */
  json: boolean;
  /** Watch streams for so many seconds as well. */
  longSeconds?: number | undefined;
}

const marks: Record<Level, string> = { ok: "ok  ", warning: "warn", problem: "FAIL" };
/** Claude waits this long for discovery, registration and tokens. */
const timeoutMs = 10_000;

/**
 * @returns the exit code: 1 when something would keep a client out
 * @throws UsageError
 */
export async function doctor({ url, configPath, ...options }: DoctorOptions): Promise<number> {
  if (url !== undefined) return await examinePublic([parseUrl(url)], options);
  const config = await loadOrReport({ path: configPath });
  if (config === undefined) return 1;
  return await examinePublic(config.resources.map(({ urls }) => new URL(urls.resource)), options);
}

/** The same for URLs that are known. */
export async function examinePublic(
  urls: readonly URL[],
  { json, longSeconds }: Pick<DoctorOptions, "json" | "longSeconds">,
): Promise<number> {
  let heading: URL | undefined;
  const print = (url: URL, findings: readonly Finding[]) => {
    if (url !== heading) console.log(heading === undefined ? url.href : `\n${url.href}`);
    heading = url;
    for (const finding of findings) console.log(printFinding(finding));
  };
  const results: { url: string; finding: Finding }[] = [];
  const findings = await examine(urls, {
    fetch: globalThis.fetch,
    nowMs: Date.now,
    timeoutMs,
    ...(longSeconds === undefined ? {} : { longSeconds }),
    onFindings(url, found) {
      results.push(...found.map((finding) => ({ url: url.href, finding })));
      if (!json) print(url, found);
    },
  });
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  if (json) {
    const flat = results.map(({ url, finding }) => ({ url, ...finding }));
    console.log(JSON.stringify({ ok: count("problem") === 0, findings: flat }, null, 2));
  } else {
    console.log(`\n${summary(count("problem"), count("warning"), longSeconds !== undefined)}`);
  }
  return count("problem") === 0 ? 0 : 1;
}

function printFinding({ level, check, text, fix }: Finding): string {
  const line = `  ${marks[level]}  ${check.padEnd(11)}  ${oneLine(text)}`;
  return fix === undefined ? line : `${line}\n        ${"".padEnd(11)}  → ${oneLine(fix)}`;
}

function summary(problems: number, warnings: number, long: boolean): string {
  if (problems > 0) return `${problems === 1 ? "1 failure" : `${problems} failures`}; the arrows say what to change.`;
  const but = warnings === 0 ? "" : `, with ${warnings === 1 ? "1 warning" : `${warnings} warnings`}`;
  return `Clients can connect${but}.${long ? "" : " To watch streams for two and a half minutes as well: --long"}`;
}

/** What people type: with or without https://, the host or one server's URL. */
function parseUrl(text: string): URL {
  const scheme = /^(localhost|127\.|\[::1\])/i.test(text) ? "http" : "https";
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${scheme}://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`doctor takes an http or https URL, not ${JSON.stringify(text)}.`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageError("doctor takes a URL without user, query and fragment, as clients are given it.");
  }
  return url;
}
