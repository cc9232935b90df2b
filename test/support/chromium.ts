// Debian's Chromium, driven by playwright-core.
import type { Browser } from "playwright-core";
import { needs, programPath } from "./programs.ts";

/** For `{ skip: withoutChromium }`. The library that drives Chromium does not start it under Deno; the pages are the same there. */
export const withoutChromium = "Deno" in globalThis ? "playwright-core runs on Bun only" : needs("chromium");

/** For what only looks: the pages, and what a browser does with them, are no other out of the binary. */
export const withoutChromiumOrOnce = process.env.MCP_OAUTH_PROXY_BIN ? "once is enough" : withoutChromium;

/** @param args more switches, such as `--host-resolver-rules=MAP name 127.0.0.1` */
export async function launchChromium(args: string[] = []): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: programPath("chromium"),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", ...args],
  });
}
