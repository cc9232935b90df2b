// Whether the name leads to addresses that connectors can reach.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isPublicAddress } from "../http/public_address.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export type Lookup = (host: string) => Promise<string[]>;

/** By the resolver of this machine. */
export const systemLookup: Lookup = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** A problem means that nothing else needs to be tried. */
export async function examineAddress(url: URL, resolve: Lookup = systemLookup): Promise<Finding[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  if (addresses.length === 0) {
    return [problem("dns", `the name ${host} has no address`, "create its A record, or look for a typo in the URL")];
  }
  const hidden = addresses.filter((address) => !isPublicAddress(address));
  if (hidden.length > 0) {
    return [warning(
      "dns",
      isIP(host) === 0
        ? `${host} is ${hidden.join(", ")} here, which hosted clients (Claude, ChatGPT) can't reach`
        : `hosted clients (Claude, ChatGPT) can't reach ${host}`,
      "fine for programs of this machine or network; for the others publish it under a name with a public address",
    )];
  }
  if (!addresses.some((address) => isIP(address) === 4)) {
    return [problem("dns", `${host} has no IPv4 address, and Claude connects by IPv4 only`, "add an A record")];
  }
  return [ok("dns", `${host} is ${addresses.join(", ")}`)];
}
