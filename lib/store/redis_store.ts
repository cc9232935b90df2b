// Replicas on many machines: one Redis or Valkey, from version 2.6.12 on, over TCP or TLS.
import { createClient, ErrorReply } from "@redis/client";
import { checkEntry } from "./entry_limits.ts";
import { type SharedBucket, type Store, StoreUnavailableError } from "./store.ts";

const keyPrefix = "mcp-oauth-proxy:";
const commandTimeoutMs = 1000;
const connectTimeoutMs = 5000;
const reconnectDelayMs = { first: 50, longest: 2000 };

/**
 * The bucket as the time that it takes to be full again (GCRA), kept as the life that the key has left: no clock is compared
 * with another, and a full bucket is no key at all.
 */
const drawScript = `
local missing = math.max(redis.call("PTTL", KEYS[1]), 0) + ARGV[1]
if missing > tonumber(ARGV[2]) then return missing - ARGV[2] end
redis.call("SET", KEYS[1], "", "PX", missing)
return 0`;

/**
 * A store on a Redis server. Never waits for a lost server: a call then fails within a second while the connection is made
 * anew in the background; a server that is down at the start is not an error.
 *
 * @param url `redis[s]://[[user]:password@]host[:port][/database]`
 * @throws Error when the URL is not of that form; never quotes it, for it may hold a password
 */
export async function createRedisStore(url: string, { now }: { now: () => number }): Promise<Store> {
  const where = checkUrl(url);
  let lastError: unknown;
  let client = dial();
  await firstNews();

  function dial() {
    const dialled = createClient({
      url,
      RESP: 2,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: "disabled",
      socket: {
        connectTimeout: connectTimeoutMs,
        reconnectStrategy: (retries) => Math.min(reconnectDelayMs.first * 2 ** retries, reconnectDelayMs.longest),
      },
    });
    const keepError = (error: unknown) => {
      lastError = error;
    };
    dialled.on("error", keepError);
    dialled.connect().catch(keepError);
    return dialled;
  }

  /** Waits until the first connection stands or failed, so that a start does not look like an outage. */
  function firstNews(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, connectTimeoutMs);
      const finish = () => {
        clearTimeout(timer);
        resolve();
      };
      client.once("ready", finish);
      client.once("error", finish);
    });
  }

  async function ask<T>(command: (redis: ReturnType<typeof dial>) => Promise<T>): Promise<T> {
    const asked = client;
    if (!asked.isReady) throw new StoreUnavailableError(`not connected to Redis at ${where}`, { cause: lastError });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${commandTimeoutMs} ms`)), commandTimeoutMs);
    });
    try {
      return await Promise.race([command(asked), late]);
    } catch (error) {
      lastError = error;
      // A connection that hangs, or leads to a server that refuses (turned replica, full), isn't kept: the name may lead elsewhere now.
      if (asked === client && asked.isReady) {
        asked.destroy();
        client = dial();
      }
      throw new StoreUnavailableError(`Redis at ${where} could not be asked`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async function draw(redis: ReturnType<typeof dial>, key: string, { size, intervalMs }: SharedBucket) {
    try {
      const bucket = [Math.ceil(intervalMs), Math.ceil(intervalMs) * size].map(String);
      return Number(await redis.eval(drawScript, { keys: [keyPrefix + key], arguments: bucket }));
    } catch (error) {
      // A user without the right to run scripts is no reason to call the store down.
      if (error instanceof ErrorReply && /NOPERM|can't run this command|unknown command/.test(error.message)) {
        return undefined;
      }
      throw error;
    }
  }

  // Spans, not moments, go to the server: its clock need not agree with ours.
  const lifetime = (expiresAt: number) => ({ type: "EX" as const, value: Math.ceil(expiresAt - now()) });

  return {
    get durable() {
      return client.isReady;
    },
    async putIfAbsent(key, value, expiresAt) {
      checkEntry(key, value);
      if (expiresAt <= now()) return await ask((redis) => redis.get(keyPrefix + key)) ?? undefined;
      for (;;) {
        // Two commands instead of SET NX GET, which needs Redis 7: the claim itself is the first one.
        const options = { condition: "NX" as const, expiration: lifetime(expiresAt) };
        if (await ask((redis) => redis.set(keyPrefix + key, value, options)) !== null) return undefined;
        const present = await ask((redis) => redis.get(keyPrefix + key));
        if (present !== null) return present; // else it expired between the two: claim again
      }
    },
    async put(key, value, expiresAt) {
      checkEntry(key, value);
      if (expiresAt <= now()) await ask((redis) => redis.del(keyPrefix + key));
      else await ask((redis) => redis.set(keyPrefix + key, value, { expiration: lifetime(expiresAt) }));
    },
    get: async (key) => await ask((redis) => redis.get(keyPrefix + key)) ?? undefined,
    delete: async (key) => void await ask((redis) => redis.del(keyPrefix + key)),
    draw: (key, bucket) => ask((redis) => draw(redis, key, bucket)),
    close: async () => client.destroy(),
  };
}

/** Host and port for messages. */
function checkUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isRedis = parsed !== undefined && /^rediss?:$/.test(parsed.protocol) && parsed.hostname !== "" &&
    /^(\/\d*)?$/.test(parsed.pathname) && parsed.search === "" && parsed.hash === "";
  if (!isRedis) {
    throw new Error("the store: must be of the form redis[s]://[[user]:password@]host[:port][/database number]");
  }
  return `${parsed.hostname}:${parsed.port || 6379}`;
}
