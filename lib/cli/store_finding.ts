// Whether the store can be opened and written to.
import { existsSync, rmSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { createStore, type StoreKind, storeKind } from "../store/create_store.ts";
import { processLog } from "../telemetry/log.ts";
import type { Finding } from "./downstream_findings.ts";

/** Opens the store, writes and deletes one entry, draws from a bucket that is full again at once, closes it. */
export async function storeFinding({ store: { url } }: Config): Promise<Finding> {
  const kind = storeKind(url.reveal());
  if (kind === "memory") {
    return {
      level: "ok",
      text: "memory: spent codes and revocations are forgotten at restart, and replicas don't share them",
    };
  }
  const removeNewFile = fileRemover(kind, url.reveal());
  try {
    const { hasBuckets } = await tryStore(url.reveal());
    if (hasBuckets) return { level: "ok", text: `${kind}: opens and takes entries` };
    const text =
      `${kind}: takes entries, but its user may not run EVAL with PTTL, so each replica counts [rate_limit] for itself; ` +
      "allow both with ACL SETUSER … +eval +pttl";
    return { level: "warning", text };
  } catch (error) {
    return { level: "problem", text: `${kind}: ${error instanceof Error ? error.message : "can't be used"}` };
  } finally {
    removeNewFile();
  }
}

/** @throws what the store throws when it can't be used */
async function tryStore(url: string): Promise<{ hasBuckets: boolean }> {
  const now = () => Math.floor(Date.now() / 1000);
  const store = await createStore(url, { now, log: processLog });
  try {
    await store.put("check:", "", now() + 60);
    await store.delete("check:");
    return { hasBuckets: await store.draw?.("limit:check", { size: 1, intervalMs: 1 }) !== undefined };
  } finally {
    await store.close();
  }
}

/** A file that only this check made would belong to whoever ran it, and the service could not open it. */
function fileRemover(kind: StoreKind | undefined, url: string): () => void {
  const path = url.slice("sqlite:".length);
  if (kind !== "sqlite" || existsSync(path)) return () => {};
  return () => ["", "-wal", "-shm"].forEach((suffix) => rmSync(path + suffix, { force: true }));
}
