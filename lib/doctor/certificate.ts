// The TLS certificate: trusted, for this name, not about to end. fetch only says yes or no; the certificate says why.
import { isIP } from "node:net";
import tls, { type PeerCertificate } from "node:tls";
import type { Tools } from "./ask.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const renewalDays = 10;

/** Undefined where there is no TLS to look at. A problem means that nothing else needs to be tried. */
export async function examineCertificate(url: URL, tools: Tools): Promise<Finding | undefined> {
  if (url.protocol !== "https:") return undefined;
  const certificate = await readCertificate(url, tools.timeoutMs);
  if (typeof certificate === "string") {
    return problem(
      "tls",
      `no TLS connection to ${url.host}: ${certificate}`,
      "look whether the edge serves HTTPS there",
    );
  }
  const days = (Date.parse(certificate.valid_to) - tools.nowMs()) / 86_400_000;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (days < 0) {
    return problem("tls", `the certificate ended on ${dayOf(certificate.valid_to)}`, "renew it and reload the edge");
  }
  if (Date.parse(certificate.valid_from) > tools.nowMs()) {
    return problem(
      "tls",
      `the certificate is valid only from ${certificate.valid_from}`,
      "set the clock of both machines",
    );
  }
  if (!isFor(host, certificate)) {
    const names = certificate.subjectaltname?.replaceAll("DNS:", "") ?? "no name";
    return problem("tls", `the certificate is for ${names} and not for ${host}`, `get one for ${host}`);
  }
  if (!(await isTrusted(url, tools))) {
    return problem(
      "tls",
      "the certificate's authority is not trusted, or its chain is incomplete",
      "serve the full chain of a public authority (fullchain.pem, not cert.pem); for one of your own: NODE_EXTRA_CA_CERTS=ca.pem",
    );
  }
  return days < renewalDays
    ? warning("tls", `the certificate ends in ${Math.floor(days)} days`, "look whether its renewal works")
    : ok("tls", `the certificate is trusted and good until ${dayOf(certificate.valid_to)}`);
}

/** As the server presents it, whether trusted or not; a text says why there is none. */
function readCertificate(url: URL, timeoutMs: number): Promise<PeerCertificate | string> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port: Number(url.port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false, // it is only looked at, nothing is sent
      timeout: timeoutMs,
    });
    const settle = (found: PeerCertificate | string) => {
      socket.destroy();
      resolve(found);
    };
    socket.once("secureConnect", () => settle(socket.getPeerCertificate()));
    socket.once("timeout", () => settle(`no answer within ${timeoutMs / 1000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}

/** RFC 9525: by the subject alternative names, with one wildcard label. */
function isFor(host: string, { subjectaltname = "" }: PeerCertificate): boolean {
  const names = subjectaltname.split(", ").map((name) => name.replace(/^(DNS|IP Address):/, "").toLowerCase());
  return names.some((name) => name === host || (name.startsWith("*.") && name.slice(1) === host.replace(/^[^.]+/, "")));
}

/** Any answer will do. */
async function isTrusted(url: URL, { fetch, timeoutMs }: Tools): Promise<boolean> {
  try {
    const answer = await fetch(url.origin, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    await answer.body?.cancel();
    return true;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    return !/cert|self.signed|issuer|unable.to.(verify|get)/i.test(`${code} ${message} ${cause}`);
  }
}

function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}
