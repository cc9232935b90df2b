// HAProxy in front of two replicas: it asks /readyz, tries nothing a second time, and lets the operator take a replica out.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { startProgram } from "../support/program.ts";
import { programPath } from "../support/programs.ts";

export interface Haproxy {
  /** `drain`: no new requests; `ready`: as its checks say. */
  set(replica: number, state: "drain" | "ready"): Promise<void>;
  /** Settles when the checks found the replica up. */
  isUp(replica: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How soon a replica that says 503 at /readyz gets nothing any more. */
export const checkEveryMs = 200;

export async function startHaproxy(port: number, replicas: readonly number[]): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), "haproxy-"));
  const socket = join(folder, "admin.sock");
  const servers = replicas.map((replica, index) => `server replica${index} 127.0.0.1:${replica}`);
  writeFileSync(
    join(folder, "haproxy.cfg"),
    `global
  stats socket ${socket} mode 600 level admin
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 75s
  retries 0
frontend front
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend replicas
backend replicas
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter ${checkEveryMs}ms fall 1 rise 1
  ${servers.join("\n  ")}
`,
  );
  const program = startProgram(["-f", join(folder, "haproxy.cfg")], { command: [programPath("haproxy")] });

  function tell(command: string): Promise<string> {
    return new Promise((settle, fail) => {
      let answer = "";
      const admin = connect(socket, () => admin.end(`${command}\n`));
      admin.setEncoding("utf8").on("data", (chunk: string) => answer += chunk);
      admin.on("error", fail).on("close", () => settle(answer.trim()));
    });
  }

  const haproxy: Haproxy = {
    async set(replica, state) {
      const said = await tell(`set server replicas/replica${replica} state ${state}`);
      if (said !== "") throw new Error(`HAProxy: ${said}`);
    },
    isUp: (replica) =>
      eventually(async () => {
        const status = (await tell("show stat")).split("\n").find((line) =>
          line.startsWith(`replicas,replica${replica},`)
        );
        if (status?.split(",")[17] !== "UP") throw new Error(`replica ${replica}: ${status}`);
      }),
    async [Symbol.asyncDispose]() {
      await program.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await eventually(() => tell("show info"));
  return haproxy;
}
