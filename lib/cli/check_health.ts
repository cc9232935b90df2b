// check --health: whether the server on this machine is alive, for containers' health checks.
import { get } from "node:http";
import { findListenAddress } from "../config/listen_address.ts";

export interface CheckHealthOptions {
  configPath: string;
  /** As given to serve; they beat the file. */
  host?: string;
  port?: number;
}

const timeoutMs = 3_000;

/** Asks /healthz. @returns the exit code: 1 when nobody answers, or not with 200 */
export async function checkHealth({ configPath, ...flags }: CheckHealthOptions): Promise<number> {
  const { host, port } = findListenAddress(configPath, flags);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/healthz`;
  const answer = await askStatus(url);
  if (answer === 200) {
    console.log(`${url} answers 200`);
    return 0;
  }
  console.error(typeof answer === "number" ? `${url} answers ${answer}` : `${url} does not answer: ${answer}`);
  return 1;
}

/** The status, or why there is none. Not by fetch, which would go through the HTTP_PROXY of the environment. */
function askStatus(url: string): Promise<number | string> {
  return new Promise((settle) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (answer) => {
      answer.resume();
      settle(answer.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error(`nothing within ${timeoutMs / 1000} s`)));
    request.on("error", (error: Error & { code?: string }) => settle(error.code ?? error.message));
  });
}
