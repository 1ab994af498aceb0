import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { ClaimAnswer, ClaimCall } from "../../../src/domain/calls.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import { compareKeys, type RecordKey } from "../../../src/domain/key.ts";
import { runFinishes } from "../../../src/store/postgres/finish.ts";
import { runHeartbeats } from "../../../src/store/postgres/heartbeat.ts";
import { runPeeks } from "../../../src/store/postgres/peek.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import {
  bytes,
  claimOf,
  DAY,
  fingerprintOf,
  finishOf,
  freshToken,
  heartbeatOf,
  LEASE_MS,
  MINUTE,
  NOW,
  POLICY,
} from "../../support/records.ts";
import { claimWords, finishWords, heartbeatWords, tally } from "../../support/words.ts";
import { claimAll, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const clockAt = (now: () => Instant) => createServerTime({ clock: systemClock, asOf: now });

const sorted = <Call extends { readonly key: RecordKey }>(calls: readonly Call[]) =>
  calls.toSorted((a, b) => compareKeys(a.key, b.key));

const fresh = (key: RecordKey, change: Partial<ClaimCall> = {}) =>
  claimOf({ key, claimId: randomUUID(), token: freshToken(), ...change });

function leaseOf(answer: ClaimAnswer | null | undefined) {
  if (answer?.kind !== "acquired") throw new Error(`not acquired: ${answer?.kind}`);
  return answer.record.lease;
}

async function inTransaction<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly wrote: boolean }> {
  const query = <Row>(text: string) => sessions.a.query<Row>({ name: "", text }, []);
  await query("begin");
  const result = await work();
  const [row] = await query<{ wrote: boolean }>("select pg_current_xact_id_if_assigned() is not null as wrote");
  await query("commit");
  return { result, wrote: row?.wrote ?? true };
}

/** One record in every state that a claim can be answered from without a write. */
async function everyReplay() {
  let now = NOW;
  const time = clockAt(() => now);
  const scope = randomUUID();
  const keyOf = (key: string): RecordKey => ({ tenant: "default", scope, key });
  const claim = async (key: string, change?: Partial<ClaimCall>) =>
    leaseOf((await claimAll(sessions.a, [fresh(keyOf(key), change)], time))[0]);
  const end = async (key: string, kind: "complete" | "terminal" | "retryable" | "outcome-unknown", delayMs = 0) => {
    const short = key === "expired" ? { policy: { ...POLICY, resultRetentionMs: MINUTE } } : {};
    const proof = await claim(key, short);
    await runFinishes(sessions.a, [finishOf({ key: keyOf(key), proof, kind, delayMs })], time);
  };
  await end("completed", "complete");
  await end("failed", "terminal");
  await end("expired", "complete");
  await end("outcome-unknown", "outcome-unknown");
  await end("retry-scheduled", "retryable", DAY);
  await claim("held", { policy: { ...POLICY, hold: true } });
  now = addMs(now, MINUTE);
  await claim("in-progress");
  const calls = [
    ...["completed", "failed", "expired", "outcome-unknown", "retry-scheduled", "held", "in-progress"].map((key) =>
      fresh(keyOf(key)),
    ),
    fresh(keyOf("absent"), { mayAcquire: "nothing" }),
  ];
  return { calls: sorted(calls), time };
}

test("a batch of nothing but replays writes nothing: it gets no transaction id", async () => {
  const { calls, time } = await everyReplay();
  const { result, wrote } = await inTransaction(() => claimAll(sessions.a, calls, time));
  expect(tally(result.map((answer) => answer && claimWords(answer)).map(String))).toEqual({
    completed: 1,
    expired: 1,
    failed: 1,
    "in-progress": 1,
    "outcome-unknown": 2,
    refused: 1,
    "retry-scheduled": 1,
  });
  expect(wrote).toBe(false);
});

test("a batch of mismatches and rejections writes nothing", async () => {
  const { calls, time } = await everyReplay();
  const existing = calls.filter((call) => call.mayAcquire === "anything");
  const others = existing.map((call) => ({ ...call, fingerprint: fingerprintOf("another") }));
  const rejects = existing.map((call) => ({ ...call, reuse: "reject" as const }));
  const { result, wrote } = await inTransaction(async () => [
    ...(await claimAll(sessions.a, others, time)),
    ...(await claimAll(sessions.a, rejects, time)),
  ]);
  expect(tally(result.map((answer) => answer && claimWords(answer)).map(String))).toEqual({
    FINGERPRINT_MISMATCH: 7,
    RECORD_EXISTS: 7,
  });
  expect(wrote).toBe(false);
});

test("a batch of ends and heartbeats that are refused writes nothing", async () => {
  const { calls, time } = await everyReplay();
  const { result, wrote } = await inTransaction(async () => {
    const proof = { token: freshToken(), fence: 1n };
    const ends = await runFinishes(
      sessions.a,
      calls.map(({ key }) => finishOf({ key, proof })),
      time,
    );
    const beats = await runHeartbeats(
      sessions.a,
      calls.map(({ key }) => heartbeatOf({ key, proof })),
      time,
    );
    return [...ends.map((end) => end && finishWords(end)), ...beats.map((beat) => beat && heartbeatWords(beat))];
  });
  expect(tally(result.map(String))).toEqual({ LEASE_SUPERSEDED: 14, RECORD_NOT_FOUND: 2 });
  expect(wrote).toBe(false);
});

test("a batch of many tenants, some won and some not, gives each call its own tenant's record and nothing of another's", async () => {
  let now = NOW;
  const time = clockAt(() => now);
  const scope = randomUUID();
  const keys = Array.from({ length: 200 }, (_, i) => ({
    tenant: `tenant-${i % 20}`,
    scope,
    key: `order-${i % 7}-${i}`,
  }));
  const canary = ({ tenant, key }: RecordKey) => bytes(`canary of ${tenant} ${key}`);
  const claims = sorted(keys.map((key) => fresh(key, { evidence: canary(key) })));
  const leases = (await claimAll(sessions.a, claims, time)).map(leaseOf);
  const ends = claims
    .map(({ key }, i) =>
      finishOf({ key, proof: leases[i] ?? { token: freshToken(), fence: 0n }, outcome: canary(key) }),
    )
    .filter((_, i) => i % 3 === 0);
  expect(tally((await runFinishes(sessions.a, ends, time)).map((end) => String(end && finishWords(end))))).toEqual({
    completed: 67,
  });
  now = addMs(now, LEASE_MS);
  // A third is replayed, a third is taken over, a third is refused; and half of the keys were never claimed.
  const second = sorted([
    ...claims.map(({ key }, i) =>
      fresh(key, { evidence: canary(key), mayAcquire: i % 3 !== 2 ? "anything" : "nothing" }),
    ),
    ...claims.map(({ key }) => fresh({ ...key, scope: `${scope}-other` }, { evidence: canary(key) })),
  ]);
  const answers = await claimAll(sessions.a, second, time);
  for (const [i, answer] of answers.entries()) {
    const call = second[i];
    if (answer === null || call === undefined) throw new Error("undecided");
    if (answer.kind === "refused" || answer.kind === "fault") continue;
    expect(answer.record.key).toEqual(call.key);
    expect(answer.record.evidence).toEqual(canary(call.key));
    if (answer.kind === "completed") expect(answer.record.outcome).toEqual(canary(call.key));
  }
  expect(tally(answers.map((answer) => String(answer && claimWords(answer))))).toEqual({
    "acquired new": 200,
    "acquired takeover": 67,
    completed: 67,
    refused: 66,
  });
  for (const { call, stored } of await runPeeks(sessions.a, second, time)) {
    expect(stored?.evidence).toEqual(canary(call.key));
  }
});

test("two sessions whose batches overlap never deadlock, and each record has one winner", async () => {
  const time = clockAt(() => NOW);
  for (let round = 0; round < 20; round++) {
    const scope = randomUUID();
    const keys = Array.from({ length: 64 }, (_, i) => ({
      tenant: "default",
      scope,
      key: `${i % 2 ? "\u{ffff}" : "\u{10000}"}${i}`,
    }));
    const batch = () => sorted(keys.map((key) => fresh(key)));
    const [first, second] = await Promise.all([
      claimAll(sessions.a, batch(), time),
      claimAll(
        sessions.b,
        batch().toSorted((a, b) => compareKeys(a.key, b.key)),
        time,
      ),
    ]);
    const winners = keys.map((_, i) => [first[i], second[i]].filter((answer) => answer?.kind === "acquired").length);
    expect(winners).toEqual(new Array(64).fill(1));
  }
});

test("without an instant of the test's the database's clock judges", async () => {
  const time = createServerTime({ clock: systemClock, asOf: () => null });
  const key = { tenant: "default", scope: randomUUID(), key: "order-1" };
  const clockNow = async () => {
    const [row] = await sessions.b.query<{ now: Instant }>({ name: "", text: "select clock_timestamp() as now" }, []);
    return row?.now ?? 0;
  };
  const before = await clockNow();
  const [answer] = await claimAll(sessions.a, [fresh(key)], time);
  if (answer?.kind !== "acquired") throw new Error("not acquired");
  expect(answer.now).toBeGreaterThan(before);
  const after = await clockNow();
  expect(answer.now).toBeLessThan(after);
  expect(answer.record.due).toBe(addMs(answer.now, LEASE_MS));
  // Of the instant at which the row was written, not of the one that decided.
  expect(answer.record.lease.fence).toBeGreaterThanOrEqual(BigInt(answer.now));
  expect(answer.record.lease.fence).toBeLessThan(BigInt(after));
});
