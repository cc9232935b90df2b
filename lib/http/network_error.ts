// Why a server could not be reached, in words. Bun and Deno name the same failure differently.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/**
 * One sentence: what happened, and what to look at. Asks the resolver when the error itself doesn't say.
 *
 * @param error what fetch threw
 */
export async function describeNetworkError(error: unknown, url: URL, timeoutMs: number): Promise<string> {
  const text = textOf(error);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (/timeout|timed out|aborted/i.test(text)) {
    return `no answer within ${timeoutMs / 1000} s: is it running, and does a firewall let us through to port ${
      portOf(url)
    }?`;
  }
  if (isIP(host) === 0 && !(await hasAddress(host))) {
    return `the name ${host} can't be resolved: look for a typo, or for the network (container, VPN) that knows it`;
  }
  if (/cert|self.signed|altname|issuer|unable_to_verify|unable to verify/i.test(text)) {
    return `its TLS certificate is not trusted (${
      codeOf(error)
    }): use the name that is in the certificate, or add its authority ` +
      "with NODE_EXTRA_CA_CERTS=/path/to/ca.pem";
  }
  if (/ssl|tls|wrong.version|handshake|corrupt message/i.test(text)) {
    return `it does not speak TLS on port ${portOf(url)}: is it http:// there?`;
  }
  if (/refused|unable to connect/i.test(text)) {
    return `the connection is refused: nothing listens on port ${portOf(url)} of ${host}`;
  }
  return `it can't be reached (${codeOf(error)})`;
}

async function hasAddress(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    return false; // whatever the resolver's reason, there is no address to connect to
  }
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === "https:" ? "443" : "80");
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` ${textOf(error.cause)}`;
  return `${error.name} ${codeOf(error)} ${error.message}${cause}`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
