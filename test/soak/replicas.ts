// Two replicas of one server: the same secrets, store and public URL. What an operator does to them.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { type ProxyOptions, type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import type { Haproxy } from "./haproxy.ts";
import type { MemoryWatch } from "./memory.ts";
import { during, type Weather } from "./weather.ts";

export interface Replicas {
  /** First taken out of the reverse proxy, as Kubernetes and careful people do it: nobody may notice. */
  restartByTheBook(replica: number): Promise<void>;
  /** The signal alone. */
  restartBySignal(replica: number): Promise<void>;
  /** SIGHUP to both, with another lifetime in the file. */
  reload(): Promise<void>;
  /** docs/operations.md, "A new state secret", for several replicas. */
  rotate(secret: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ReplicasOptions {
  configurations: (ProxyOptions & { port: number; stateSecret: string })[];
  haproxy: Haproxy;
  weather: Weather;
  memory: MemoryWatch;
}

export async function startReplicas({ configurations, haproxy, weather, memory }: ReplicasOptions): Promise<Replicas> {
  let secret = configurations[0]!.stateSecret;
  let previous: string[] = [];
  let lifetime = 120;
  const running: ProxyProcess[] = await Promise.all(configurations.map((options, replica) => start(replica, options)));
  await Promise.all(running.map((_, replica) => haproxy.isUp(replica)));

  async function start(replica: number, options: ProxyOptions): Promise<ProxyProcess> {
    const server = `${options.server ?? ""}\nprevious_state_secrets = ${JSON.stringify(previous)}`;
    const proxy = await startProxy({ ...options, stateSecret: secret, server });
    memory.watch(`replica ${replica + 1}`, proxy.pid);
    return proxy;
  }

  async function restart(replica: number): Promise<void> {
    memory.ended(`replica ${replica + 1}`);
    const code = await running[replica]!.stop("SIGTERM");
    if (code !== 0) throw new Error(`replica ${replica + 1} ended with ${code}`);
    running[replica] = await start(replica, configurations[replica]!);
  }

  /** Every replica has read its file again before this settles. */
  async function reloadAll(edit: (text: string) => string): Promise<void> {
    await Promise.all(running.map(async (proxy) => {
      const before = proxy.output().length;
      writeFileSync(proxy.configPath, edit(readFileSync(proxy.configPath, "utf8")));
      process.kill(proxy.pid, "SIGHUP");
      await eventually(async () => {
        if (!proxy.output().includes('"configuration_reloaded"', before)) {
          throw new Error(`not reloaded:\n${proxy.output().slice(-2000)}`);
        }
      });
    }));
  }

  const writeSecrets = (text: string) =>
    text.replace(/^state_secret = .*$/m, `state_secret = "${secret}"`)
      .replace(/^previous_state_secrets = .*$/m, `previous_state_secrets = ${JSON.stringify(previous)}`);

  return {
    async restartByTheBook(replica) {
      await haproxy.set(replica, "drain");
      await wait(500);
      await restart(replica);
      await haproxy.set(replica, "ready");
      await haproxy.isUp(replica);
    },
    restartBySignal: (replica) =>
      during(weather.restarts, async () => {
        await restart(replica);
        await haproxy.isUp(replica);
      }, 300),
    async reload() {
      lifetime = lifetime === 120 ? 121 : 120;
      await reloadAll((text) => text.replace(/^access_token_ttl = \d+$/m, `access_token_ttl = ${lifetime}`));
    },
    async rotate(fresh) {
      previous = [fresh, ...previous];
      await reloadAll(writeSecrets);
      previous = [secret, ...previous.slice(1)];
      secret = fresh;
      await reloadAll(writeSecrets);
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of running) await proxy[Symbol.asyncDispose]();
    },
  };
}
