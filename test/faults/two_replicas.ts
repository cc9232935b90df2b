// nginx as people put it in front of two replicas. By its own defaults a refresh that reached a replica which then died is not
// sent to the other one; max_fails=0, or a replica that was away for a moment would get nothing for ten seconds.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import { startProgram } from "../support/program.ts";
import { programPath } from "../support/programs.ts";

export interface Nginx {
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens on loopback `port` and divides requests among the replicas. */
export async function startNginx(port: number, replicas: number[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "nginx-"));
  const configuration = join(folder, "nginx.conf");
  writeFileSync(
    configuration,
    `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream replicas {
    ${replicas.map((replica) => `server 127.0.0.1:${replica} max_fails=0;`).join("\n    ")}
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://replicas;
      proxy_set_header Host $http_host;
    }
  }
}
`,
  );
  const nginx = startProgram(["-c", configuration, "-p", folder, "-e", "stderr"], { command: [programPath("nginx")] });
  await listens(port);
  return {
    async [Symbol.asyncDispose]() {
      nginx.kill("SIGTERM"); // its worker outlives a SIGKILL
      await nginx.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Some free loopback ports that are not the same one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await new Promise((settle) => setTimeout(settle, 50));
  }
  throw new Error("nginx did not start");
}
