// Which addresses the open internet routes to one host. Everything else may be a machine behind our own firewall.

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * True when an address is public unicast: not private, loopback, link-local, carrier-grade NAT, multicast, documentation,
 * benchmarking or reserved (IANA special-purpose registries, RFC 6890), and no IPv6 form that carries an IPv4 address
 * (mapped, NAT64, 6to4, Teredo), since the network behind it decides where that goes.
 *
 * @param address one IPv4 or IPv6 address as a resolver gives it, without brackets; anything else is not public
 */
export function isPublicAddress(address: string): boolean {
  // node:net is the stricter reader: ipaddr.js alone would take "0x7f.1" too.
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" ? !parsed.match(azurePlatform, 32) : parsed.match(globalUnicast, 3);
}

/** A public-looking address that answers only inside Azure, with secrets of the machine that asks. */
const azurePlatform = ipaddr.IPv4.parse("168.63.129.16");

/** 2000::/3 is all of IPv6 that IANA has given out; ipaddr.js calls the unassigned rest, and ::127.0.0.1, "unicast" too. */
const globalUnicast = ipaddr.IPv6.parse("2000::");
