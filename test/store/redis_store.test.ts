import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "@redis/client";
import { createRedisStore } from "../../lib/store/redis_store.ts";
import { StoreUnavailableError } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/programs.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "../support/redis_server.ts";
import { startStoreProcess } from "../support/store_process.ts";
import { testAuthority, testCertificates, testServerKey } from "../support/test_certificates.ts";
import { testStoreContract } from "./contract.ts";

const skip = needs("redis-server");
const start = 1_800_000_000;
const now = () => start;

testStoreContract("redis", {
  shared: true,
  durable: true,
  skip,
  create: async () => {
    const redis = await startRedis({ password: "a-password" });
    const observer = await createClient({ url: redis.url }).connect();
    let time = start;
    const store = await createRedisStore(redis.url, { now: () => time });
    return {
      store,
      now: () => time,
      async advance(seconds) {
        time += seconds;
        for (const key of await observer.keys("*")) {
          // The part of a second that the test itself took is given back: its clock stands still meanwhile.
          const left = Math.ceil((await observer.pExpireTime(key) - Date.now()) / 1000);
          await observer.pExpireAt(key, Date.now() + (left - seconds) * 1000);
        }
      },
      url: redis.url,
      async remove() {
        await store.close();
        observer.destroy();
        await redis.remove();
      },
    };
  },
});

function testWithRedis(
  name: string,
  body: (redis: RedisServer) => Promise<void>,
  options: RedisServerOptions = {},
): void {
  test(name, { skip }, async () => {
    const redis = await startRedis(options);
    try {
      await body(redis);
    } finally {
      await redis.remove();
    }
  });
}

testWithRedis("redis store writes under its prefix only, never without an expiry", async (redis) => {
  const store = await createRedisStore(redis.url, { now });
  await store.put("answer:a", "sealed", start + 60);
  await store.putIfAbsent("code:a", "spent", start + 60);
  const observer = await createClient({ url: redis.url }).connect();
  const keys = (await observer.keys("*")).sort();
  assert.deepEqual(keys, ["mcp-oauth-proxy:answer:a", "mcp-oauth-proxy:code:a"]);
  for (const key of keys) {
    const seconds = await observer.ttl(key);
    assert.ok(seconds > 50 && seconds <= 60, `${key} lives ${seconds} s`);
  }
  observer.destroy();
  await store.close();
});

testWithRedis("redis store fails fast while the server is gone and finds it when it is back", async (redis) => {
  const store = await createRedisStore(redis.url, { now });
  await redis.kill();
  const asked = performance.now();
  await assert.rejects(store.get("code:a"), StoreUnavailableError);
  await assert.rejects(store.putIfAbsent("code:a", "spent", start + 60), StoreUnavailableError);
  assert.ok(performance.now() - asked < 1900, "neither waited its second");
  await redis.start();
  assert.equal(await eventually(() => store.putIfAbsent("code:a", "spent", start + 60)), undefined);
  await store.close();
});

testWithRedis(
  "redis store gives a server that hangs one second, and asks it again on a new connection",
  async (redis) => {
    const store = await createRedisStore(redis.url, { now });
    redis.signal("SIGSTOP");
    const asked = performance.now();
    await assert.rejects(store.get("code:a"), StoreUnavailableError);
    const waited = performance.now() - asked;
    assert.ok(waited > 900 && waited < 4500, `${waited} ms`);
    const again = performance.now();
    await assert.rejects(store.get("code:a"), StoreUnavailableError);
    assert.ok(performance.now() - again < 900, "nobody waits for it a second time");
    redis.signal("SIGCONT");
    await eventually(() => store.put("code:a", "spent", start + 60));
    assert.equal(await store.get("code:a"), "spent");
    await store.close();
  },
);

testWithRedis("redis store opens while the server is down and works once it is there", async (redis) => {
  await redis.kill();
  const store = await createRedisStore(redis.url, { now });
  await assert.rejects(store.get("code:a"), StoreUnavailableError);
  await redis.start();
  assert.equal(await eventually(() => store.get("code:a")), undefined);
  await store.close();
});

testWithRedis("redis store says that the password is wrong and not which one it sent", async (redis) => {
  const url = redis.url.replace("right", "wrong-horse");
  const store = await createRedisStore(url, { now });
  const error = await store.get("code:a").then(() => undefined, (error) => error);
  assert.ok(error instanceof StoreUnavailableError);
  const said = `${error.message}: ${error.cause}`;
  assert.match(said, /WRONGPASS/);
  assert.doesNotMatch(said, /wrong-horse/);
  await store.close();
}, { password: "right" });

testWithRedis("redis store leaves a server that refuses writes (a replica after a failover)", async (redis) => {
  const store = await createRedisStore(redis.url, { now });
  const operator = await createClient({ url: redis.url }).connect();
  await operator.sendCommand(["REPLICAOF", "127.0.0.1", "1"]);
  const before = connectionCount(await operator.info("stats"));
  await assert.rejects(store.put("code:a", "spent", start + 60), StoreUnavailableError);
  await operator.sendCommand(["REPLICAOF", "NO", "ONE"]);
  await eventually(() => store.put("code:a", "spent", start + 60));
  assert.ok(connectionCount(await operator.info("stats")) > before, "it connected anew");
  operator.destroy();
  await store.close();
});

testWithRedis(
  "redis store needs no more rights than docs/stores.md grants, and takes a password that needs encoding",
  async (redis) => {
    const operator = await createClient({ url: redis.url }).connect();
    const rights = ["~mcp-oauth-proxy:*", "+set", "+get", "+del", "+select", "+eval", "+pttl"];
    await operator.sendCommand(["ACL", "SETUSER", "proxy", "on", ">p@ss/word:1", ...rights]);
    const store = await createRedisStore(
      `redis://proxy:${encodeURIComponent("p@ss/word:1")}@127.0.0.1:${redis.port}/3`,
      { now },
    );
    await store.put("answer:a", "sealed", start + 60);
    assert.equal(await store.putIfAbsent("code:a", "spent", start + 60), undefined);
    assert.equal(await store.get("answer:a"), "sealed");
    await store.delete("answer:a");
    assert.equal(await store.get("answer:a"), undefined);
    const bucket = { size: 1, intervalMs: 1000 };
    assert.equal(await store.draw!("limit:a", bucket), 0);
    for (const right of ["-pttl", "-eval"]) {
      await operator.sendCommand(["ACL", "SETUSER", "proxy", right]);
      assert.equal(await store.draw!("limit:a", bucket), undefined, `${right}: each process counts for itself`);
      assert.equal(await store.get("answer:a"), undefined, "the store is not down for that");
    }
    operator.destroy();
    await store.close();
  },
);

for (
  const [certificate, claims] of [["address", ["code:a"]], ["wrongHost", undefined], ["selfSigned", undefined]] as const
) {
  const behaviour = claims ? "speaks TLS with a server that its authority vouches for" : "refuses a TLS server that";
  test(`redis store ${behaviour} (${certificate})`, { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "redis-tls-"));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const authority = file("authority.pem", testAuthority);
    const redis = await startRedis({
      tls: {
        certificate: file("server.pem", testCertificates[certificate]),
        key: file("key.pem", testServerKey),
        authority,
      },
    });
    const client = await startStoreProcess(redis.url, start, { NODE_EXTRA_CA_CERTS: authority });
    try {
      if (claims) assert.deepEqual(await client.claim(["code:a"]), claims);
      else await assert.rejects(client.claim(["code:a"]), /not connected .*(certificate|cert's)/i);
    } finally {
      await client.kill();
      await redis.remove();
      rmSync(folder, { recursive: true });
    }
  });
}

function connectionCount(stats: string): number {
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}
