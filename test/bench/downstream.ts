// The downstream of most sections: nginx that answers everything with 1 KB of JSON, several times faster than any proxy here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import { programPath } from "../support/programs.ts";
import { testCertificates, testServerKey } from "../support/test_certificates.ts";
import { nginxConfig } from "./nginx_config.ts";
import type { Settings } from "./section.ts";
import { type StartedProcess, startPinned } from "./started_process.ts";

export interface Downstream extends StartedProcess {
  /** Answers whoever asks. */
  openUrl: string;
  /** Answers only where our proxy has put the credential in the token's place; anything else is a 418. */
  checkedUrl: string;
}

/** What the proxy has to send in `X-Api-Key`. */
export const downstreamKey = "key-that-the-downstream-wants";

/** The name in one certificate of a downstream with TLS; the other, of the address, goes to whoever asks for no name. */
export const tlsName = "client.example.com";

/** 1,024 bytes. */
export const jsonAnswer = jsonOf(1024, { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text: "" }] } });

/** 1,024 bytes. */
export const jsonRequest = jsonOf(1024, {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name: "echo", arguments: { text: "" } },
});

export async function startDownstream(
  { cores, folder }: Settings,
  { tls = false }: { tls?: boolean } = {},
): Promise<Downstream> {
  const port = await freePort();
  const name = `downstream-${port}`;
  const config = join(folder, `${name}.conf`);
  const answer = `default_type application/json; return 200 '${jsonAnswer}';`;
  const locations = `location /open { ${answer} }
    location /checked {
      if ($http_x_api_key != "${downstreamKey}") { return 418; }
      if ($http_authorization) { return 418; }
      ${answer}
    }`;
  const servers = tls ? tlsServers(folder, port) : [`listen 127.0.0.1:${port};`];
  writeFileSync(
    config,
    nginxConfig(folder, name, servers.map((lines) => `server { ${lines} ${locations} }`).join("\n")),
  );
  const command = [programPath("nginx"), "-p", folder, "-e", "stderr", "-c", config];
  const process = await startPinned({ name, command, cores: [cores.load], folder, port });
  const origin = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  return { ...process, openUrl: `${origin}/open`, checkedUrl: `${origin}/checked` };
}

/** One for whoever wants an address in the certificate, one for nginx, which looks for names only: `tlsName`. */
function tlsServers(folder: string, port: number): string[] {
  const key = join(folder, "key.pem");
  writeFileSync(key, testServerKey);
  return (["address", "valid"] as const).map((kind) => {
    const certificate = join(folder, `${kind}.pem`);
    writeFileSync(certificate, testCertificates[kind]);
    const name = kind === "valid" ? `server_name ${tlsName};` : "";
    return `listen 127.0.0.1:${port} ssl; ${name} ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
  });
}

/** JSON of exactly so many bytes: the one empty text in it is filled up. */
function jsonOf(bytes: number, value: unknown): string {
  const empty = JSON.stringify(value);
  return empty.replace('"text":""', `"text":"${"x".repeat(bytes - empty.length)}"`);
}
