// What the doctor says: one sentence each, with what to do about it where something is wrong.

export type Level = "ok" | "warning" | "problem";

export interface Finding {
  /** What was looked at, a word or two: the same word in every run, for scripts. */
  check: Check;
  level: Level;
  /** One sentence, without a full stop. */
  text: string;
  /** What to change, and where. Absent when all is well. */
  fix?: string;
}

export type Check =
  | "url"
  | "dns"
  | "tls"
  | "https"
  | "resource"
  | "metadata"
  | "challenge"
  | "token"
  | "endpoints"
  | "cookies"
  | "user agents"
  | "browsers"
  | "stream"
  | "long stream"
  | "clock";

export const ok = (check: Check, text: string): Finding => ({ check, level: "ok", text });
export const warning = (check: Check, text: string, fix: string): Finding => ({ check, level: "warning", text, fix });
export const problem = (check: Check, text: string, fix: string): Finding => ({ check, level: "problem", text, fix });
