// Whether the store can be opened and written to.
import type { Config } from "../config/config.ts";
import { createStore, storeKind } from "../store/create_store.ts";
import { processLog } from "../telemetry/log.ts";
import type { Finding } from "./downstream_findings.ts";

/** Opens the store, writes and deletes one entry, closes it. */
export async function storeFinding({ store: { url } }: Config): Promise<Finding> {
  const now = () => Math.floor(Date.now() / 1000);
  const kind = storeKind(url.reveal());
  if (kind === "memory") {
    return {
      level: "ok",
      text: "memory: spent codes and revocations are forgotten at restart, and replicas don't share them",
    };
  }
  try {
    const store = await createStore(url.reveal(), { now, log: processLog });
    try {
      await store.put("check:", "", now() + 60);
      await store.delete("check:");
    } finally {
      await store.close();
    }
    return { level: "ok", text: `${kind}: opens and takes entries` };
  } catch (error) {
    return { level: "problem", text: `${kind}: ${error instanceof Error ? error.message : "can't be used"}` };
  }
}
