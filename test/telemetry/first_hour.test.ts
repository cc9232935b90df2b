import assert from "node:assert/strict";
import { test } from "node:test";
import { watchFirstHour } from "../../lib/telemetry/first_hour.ts";
import { startProxy } from "../support/proxy_process.ts";
import { recordedLog } from "../support/recorded_log.ts";

/** A clock that runs what is scheduled when it is turned. */
function firstHour({ hasReplicas = false } = {}) {
  const { log, events } = recordedLog();
  let clock = 1_000_000;
  let scheduled: { at: number; callback: () => void }[] = [];
  const watch = watchFirstHour({
    log,
    now: () => clock,
    schedule: (callback, afterMs) => scheduled.push({ at: clock + afterMs / 1000, callback }),
    hasReplicas,
  });
  const turn = (seconds: number) => {
    for (const end = clock + seconds; clock < end; clock += 1) {
      const due = scheduled.filter(({ at }) => at <= clock);
      scheduled = scheduled.filter(({ at }) => at > clock);
      due.forEach(({ callback }) => callback());
    }
  };
  const issue = (grant: string, more = {}) =>
    watch.log.info("token_issued", {
      grant,
      grant_type: "authorization_code",
      client_id: "claude",
      resource: "notes",
      ...more,
    });
  const warnings = () => events.filter(({ level }) => level === "warning").map(({ event }) => event);
  return { ...watch, events, turn, issue, warnings, timers: () => scheduled.length };
}

test("first hour: a token that nobody uses within a minute is a warning with the likely cause, and is said once", () => {
  const { issue, turn, warnings, events, timers } = firstHour();
  issue("g1");
  turn(58);
  assert.deepEqual(warnings(), []);
  turn(30);
  assert.deepEqual(warnings(), ["token_never_used"]);
  const { fields } = events.at(-1)!;
  assert.deepEqual([fields.client_id, fields.resource], ["claude", "notes"]);
  assert.match(String(fields.likely_cause), /edge rule.*doctor/);
  issue("g2");
  turn(120);
  assert.deepEqual(warnings(), ["token_never_used"]);
  assert.equal(timers(), 0);
});

test("first hour: a token that was used, one that was refreshed, and one that a replica may have seen are fine", () => {
  const one = firstHour();
  one.issue("g1");
  one.issue("g2", { grant_type: "refresh_token" });
  one.tokenUsed({ grant: "g1", resource: "notes" });
  one.turn(200);
  const replicas = firstHour({ hasReplicas: true });
  replicas.issue("g1");
  replicas.turn(200);
  assert.deepEqual([...one.warnings(), ...replicas.warnings()], []);
});

test("first hour: a token that can't be told from others counts for all of its resource, and for no other", () => {
  const { issue, tokenUsed, turn, events } = firstHour();
  issue("g1");
  issue("g2", { resource: "tasks" });
  tokenUsed({ grant: "raw", resource: "notes" });
  turn(200);
  assert.deepEqual(events.filter(({ level }) => level === "warning").map(({ fields }) => fields.resource), ["tasks"]);
});

test("first hour: ten thousand logins wait on one timer, and the newest thousand are remembered", () => {
  const { issue, turn, timers, warnings } = firstHour();
  for (let each = 0; each < 10_000; each += 1) issue(`g${each}`, { client_id: `c${each}` });
  assert.equal(timers(), 1);
  turn(200);
  assert.equal(warnings().length, 1000);
});

test("first hour: five registrations in ten minutes without a token are a warning; a token in between is not", () => {
  const { log, issue, turn, warnings } = firstHour();
  const register = (times: number) => {
    for (let each = 0; each < times; each += 1) log.info("client_registered", { client_id: "claude" });
  };
  register(4);
  turn(601);
  register(4);
  issue("g1");
  register(4);
  assert.deepEqual(warnings(), []);
  register(1);
  assert.deepEqual(warnings(), ["client_keeps_registering"]);
});

test("first hour: refused refresh tokens say why, once an hour for a client", () => {
  const { log, turn, events } = firstHour();
  const refuse = (reason: string) =>
    log.info("refresh_token_refused", { client_id: "claude", resource: "notes", reason });
  refuse("expired");
  refuse("expired");
  turn(3601);
  refuse("reused");
  const causes = events.filter(({ event }) => event === "refresh_too_late").map(({ fields }) => fields.likely_cause);
  assert.equal(causes.length, 2);
  assert.match(String(causes[0]), /refresh_token_ttl/);
  assert.match(String(causes[1]), /refresh_grace/);
});

test("first hour: the running proxy says that a client keeps registering", async () => {
  await using proxy = await startProxy({
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  });
  for (let each = 0; each < 5; each += 1) {
    assert.doesNotMatch(await proxy.settledOutput(), /client_keeps_registering/);
    const answer = await fetch(`${proxy.url}/register/mcp/notes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ client_name: "c", redirect_uris: ["http://127.0.0.1:1/callback"] }),
    });
    assert.equal(answer.status, 201, await answer.text());
  }
  await proxy.logged("client_keeps_registering");
});
