// The downstream of most sections: nginx that answers everything with 1 KB of JSON, several times faster than any proxy here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import { programPath } from "../support/programs.ts";
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

/** 1,024 bytes. */
export const jsonAnswer = jsonOf(1024, { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text: "" }] } });

/** 1,024 bytes. */
export const jsonRequest = jsonOf(1024, {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name: "echo", arguments: { text: "" } },
});

export async function startDownstream({ cores, folder }: Settings): Promise<Downstream> {
  const port = await freePort();
  const config = join(folder, "downstream.conf");
  const answer = `default_type application/json; return 200 '${jsonAnswer}';`;
  writeFileSync(
    config,
    nginxConfig(
      folder,
      "downstream",
      `server {
    listen 127.0.0.1:${port};
    location /open { ${answer} }
    location /checked {
      if ($http_x_api_key != "${downstreamKey}") { return 418; }
      if ($http_authorization) { return 418; }
      ${answer}
    }
  }`,
    ),
  );
  const command = [programPath("nginx"), "-p", folder, "-e", "stderr", "-c", config];
  const process = await startPinned({ name: "downstream", command, core: cores.load, folder, port });
  return { ...process, openUrl: `http://127.0.0.1:${port}/open`, checkedUrl: `http://127.0.0.1:${port}/checked` };
}

/** JSON of exactly so many bytes: the one empty text in it is filled up. */
function jsonOf(bytes: number, value: unknown): string {
  const empty = JSON.stringify(value);
  return empty.replace('"text":""', `"text":"${"x".repeat(bytes - empty.length)}"`);
}
