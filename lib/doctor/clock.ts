// Tokens are valid from and until moments; a clock that is wrong makes fresh ones look old.
import { type Finding, ok, warning } from "./finding.ts";

const toleranceSeconds = 30;

/**
 * @param theirs seconds since the epoch, as the proxy said
 * @param ours the same moment by this machine
 */
export function examineClock(theirs: number, ours: number): Finding {
  const skew = Math.round(theirs - ours);
  if (Math.abs(skew) <= toleranceSeconds) return ok("clock", "the proxy's clock agrees with this machine's");
  return warning(
    "clock",
    `the proxy's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} this machine's`,
    "synchronise both (NTP): providers and MCP servers refuse tokens from another time",
  );
}
