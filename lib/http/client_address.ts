// Who is at the other end, and which host and scheme they used, when reverse proxies stand in between
// (RFC 7239 Forwarded, and the older X-Forwarded-*).
import ipaddr from "ipaddr.js";

export interface ForwardedRequest {
  /** An IP address in its normal form, without port, brackets or zone; an IPv4 address is never written as IPv6. */
  address: string;
  /** What the client asked for, as the outermost trusted proxy saw it; absent when no trusted proxy says. */
  host?: string;
  proto?: "http" | "https";
}

export type ReadForwarded = (headers: Headers, remoteAddress: string) => ForwardedRequest;

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** What one kind of header says: one element per hop, the nearest proxy's last. */
interface Hop {
  address?: string;
  host?: string;
  proto?: string;
}

/**
 * Reads the client's address for one list of trusted proxies. What an untrusted peer writes into these headers is ignored;
 * behind trusted ones the chain is read from the right and the first address that is not trusted is the client's.
 *
 * Most proxies know one of the two kinds of header and pass the other on as the client wrote it. So when both are there and
 * name different clients, neither counts and the address is the proxy's own. Host and scheme then count where both say the same:
 * a client that knows its own address could otherwise add a host of its choice in the kind that the proxy doesn't write.
 *
 * @param trustedProxies CIDRs or single addresses
 */
export function createForwardedReader(trustedProxies: readonly string[]): ReadForwarded {
  const isTrusted = createAddressList(trustedProxies);

  return (headers, remoteAddress) => {
    const remote = isPlainIpv4.test(remoteAddress) ? remoteAddress : normalAddress(remoteAddress) ?? remoteAddress;
    if (trustedProxies.length === 0 || !isTrusted(remote)) return { address: remote };
    const standard = headers.get("forwarded");
    const older = headers.get("x-forwarded-for");
    const byStandard = standard === null ? undefined : walk(parseForwarded(standard), remote, isTrusted);
    const byOlder = walk(parseXForwarded(headers), remote, isTrusted);
    if (byStandard === undefined) return byOlder;
    if (older !== null && byOlder.address !== byStandard.address) return { address: remote };
    return older === null && !namesHost(headers) ? byStandard : agreed(byStandard, byOlder);
  };
}

/** As the runtime writes the address of a peer: normal already. */
const isPlainIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/;

function namesHost(headers: Headers): boolean {
  return headers.has("x-forwarded-host") || headers.has("x-forwarded-proto");
}

function agreed({ address, host, proto }: ForwardedRequest, other: ForwardedRequest): ForwardedRequest {
  return {
    address,
    ...(host !== undefined && host === other.host ? { host } : {}),
    ...(proto !== undefined && proto === other.proto ? { proto } : {}),
  };
}

/** Whether an address is in one of the networks. @param networks CIDRs or single addresses */
export function createAddressList(networks: readonly string[]): (address: string) => boolean {
  const parsed = networks.map(parseNetwork);
  if (parsed.length === 0) return () => false;
  // Mostly the same few reverse proxies ask.
  const judged = new Map<string, boolean>();
  return (address) => {
    const known = judged.get(address);
    if (known !== undefined) return known;
    const isListed = parsed.some((network) => isInside(address, network));
    if (judged.size < 1000) judged.set(address, isListed);
    return isListed;
  };
}

/** The network that one customer usually has: the address itself, or the /64 of an IPv6 address. Key for rate limits. */
export function networkOf(address: string): string {
  if (isPlainIpv4.test(address)) return address;
  const parsed = ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
  if (parsed === undefined || parsed.kind() === "ipv4") return address;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`)}/64`;
}

/** @param hops the nearest proxy's first: each was written by the one before it, so it counts while that one is trusted */
function walk(hops: Iterable<Hop>, remote: string, isTrusted: (address: string) => boolean): ForwardedRequest {
  let found: ForwardedRequest = { address: remote };
  for (const hop of hops) {
    const { host, proto } = hop;
    found = {
      address: hop.address ?? found.address,
      ...(host !== undefined && isHost(host) ? { host: host.toLowerCase() } : {}),
      ...(proto === "http" || proto === "https" ? { proto } : {}),
    };
    // `unknown` and obfuscated names (RFC 7239 §6) end the chain as well: nothing left of them can be judged.
    if (hop.address === undefined || !isTrusted(hop.address)) break;
  }
  return found;
}

/** RFC 7239 §4: elements by comma, pairs by semicolon, values as tokens or quoted strings; within quotes both may stand. */
function* parseForwarded(text: string): Generator<Hop> {
  for (const element of splitFromRight(text, ",")) {
    const pairs = new Map(
      [...splitFromRight(element, ";")].map((pair) => {
        const equals = pair.indexOf("=");
        const value = pair.slice(equals + 1).trim();
        return [pair.slice(0, equals).trim().toLowerCase(), unquote(value)];
      }),
    );
    yield { address: parseNode(pairs.get("for")), host: pairs.get("host"), proto: pairs.get("proto")?.toLowerCase() };
  }
}

/**
 * X-Forwarded-Host and -Proto have one value for all hops, or one for each. When they have another number than
 * X-Forwarded-For, the last counts: the nearest proxy wrote it.
 */
function parseXForwarded(headers: Headers): Hop[] {
  const list = (name: string) => headers.get(name)?.split(",").map((item) => item.trim()) ?? [];
  const addresses = list("x-forwarded-for");
  const hosts = list("x-forwarded-host");
  const protos = list("x-forwarded-proto").map((proto) => proto.toLowerCase());
  const at = (values: string[], i: number) => values.length === addresses.length ? values[i] : values.at(-1);
  if (addresses.length === 0) return [{ host: hosts.at(-1), proto: protos.at(-1) }];
  return addresses.map((address, i) => ({ address: parseNode(address), host: at(hosts, i), proto: at(protos, i) }))
    .toReversed();
}

/** RFC 7239 §6: an address, with a port and brackets where it needs them. Undefined for anything else. */
function parseNode(node: string | undefined): string | undefined {
  if (node === undefined) return undefined;
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::[\w.-]+)?$/.exec(node) ?? [];
  return normalAddress(bracketed ?? plain ?? node);
}

function normalAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/, "");
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address).toString();
  return ipaddr.IPv6.isValid(address) ? ipaddr.process(address).toString() : undefined;
}

function parseNetwork(text: string): Network {
  const [address = "", bits] = text.split("/");
  const parsed = ipaddr.parse(address);
  return [parsed, bits === undefined ? (parsed.kind() === "ipv4" ? 32 : 128) : Number(bits)];
}

function isInside(address: string, [network, bits]: Network): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return parsed.kind() === network.kind() && parsed.match(network, bits);
}

function isHost(text: string): boolean {
  return /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/.test(text);
}

/**
 * The parts outside quotes, the last one first. From the right, because there stands what the nearest proxy wrote: a quote that
 * a stranger opened before it must not close in the middle of it. A quote without a partner separates as well. In time that
 * grows with the length only: strangers write this.
 */
function* splitFromRight(text: string, separator: "," | ";"): Generator<string> {
  let end = text.length;
  // Where one quote has no partner, none further left has.
  let mayOpen = true;
  for (let at = text.length - 1; at >= -1; at--) {
    if (mayOpen && text[at] === '"') {
      const opening = openingQuote(text, at);
      mayOpen = opening !== -1;
      if (mayOpen) {
        at = opening;
        continue;
      }
    }
    if (at >= 0 && text[at] !== separator && text[at] !== '"') continue;
    if (at + 1 < end) yield text.slice(at + 1, end);
    end = at;
  }
}

/** Where the quoted string that ends at `closing` begins; -1 when nowhere. */
function openingQuote(text: string, closing: number): number {
  for (let at = text.lastIndexOf('"', closing - 1); at !== -1 && closing > 0;) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
    at = at === 0 ? -1 : text.lastIndexOf('"', at - 1);
  }
  return -1;
}

function unquote(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
}
