import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runClaims } from "../../../src/store/postgres/claim.ts";
import { policyOf } from "../../store/bench.ts";
import { bytes, claimOf, DAY, fingerprintOf, LEASE_MS, SECOND } from "../../support/records.ts";
import { claimAll, createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const OTHER = fingerprintOf("another payload");
const own = () => ({ claimId: randomUUID() });

test("the first claim acquires, another is told that it is in progress", async () => {
  const { a, b } = createScene(sessions);
  const lease = await a.acquire();
  expect(lease.attempt).toBe(1);
  expect(await b.claimed()).toBe("in-progress");
});

test("the same claim_id gets the same lease again, and its end moves", async () => {
  const { a, b } = createScene(sessions);
  const claimId = own();
  const first = await a.acquire(claimId);
  const again = await b.acquire(claimId);
  expect([again.token, again.fence, again.attempt]).toEqual([first.token, first.fence, 1]);
  expect(again.due).toBeGreaterThan(first.due);
});

test("a shorter lease asked for by a reattach moves the end by a microsecond, so that a give-back misses", async () => {
  const { a } = createScene(sessions);
  const claimId = own();
  const first = await a.acquire(claimId);
  const again = await a.acquire({ ...claimId, leaseMs: SECOND });
  expect(again.due).toBe(first.due + 1);
  expect(await a.finished(first, "not-started", { onlyIfDue: first.due })).toBe("INVALID_STATE");
  expect(await a.finished(first, "not-started", { onlyIfDue: again.due })).toBe("available");
});

test("another payload is a mismatch in every state that the record goes through", async () => {
  const { a, advance } = createScene(sessions);
  const lease = await a.acquire();
  expect(await a.claimed({ fingerprint: OTHER })).toBe("FINGERPRINT_MISMATCH");
  await a.finish(lease, "complete");
  expect(await a.claimed({ fingerprint: OTHER })).toBe("FINGERPRINT_MISMATCH");
  advance(DAY);
  expect(await a.claimed({ fingerprint: OTHER })).toBe("FINGERPRINT_MISMATCH");
});

test("a lease that is over is taken over: next attempt, higher fence, the new holder's evidence", async () => {
  const { a, advance, row } = createScene(sessions);
  const lease = await a.acquire({ evidence: bytes("old"), externalRef: "old-ref" });
  advance(LEASE_MS);
  const takeover = await a.acquire({ evidence: bytes("new") });
  expect(takeover.attempt).toBe(2);
  expect(takeover.fence).toBeGreaterThan(lease.fence);
  expect(String((await row())?.evidence)).toBe("new");
  expect((await row())?.external_ref).toBeNull();
});

test("an attempt that ended is not reattached by its claim_id, before and after its due time", async () => {
  const { a, advance } = createScene(sessions);
  const claimId = own();
  await a.finish(await a.acquire(claimId), "retryable", { delayMs: 80 });
  expect(await a.claimed()).toBe("retry-scheduled");
  expect(await a.claimed(claimId)).toBe("CLAIM_ENDED");
  advance(80);
  expect(await a.claimed(claimId)).toBe("CLAIM_ENDED");
  expect((await a.acquire()).attempt).toBe(2);
});

test("an attempt that was not started is not counted", async () => {
  const { a } = createScene(sessions);
  await a.finish(await a.acquire(), "retryable");
  expect(await a.finished(await a.acquire(), "not-started")).toBe("available");
  expect((await a.acquire()).attempt).toBe(2);
});

test("used-up attempts are settled by the claim that finds them", async () => {
  const { a, advance, row } = createScene(sessions);
  const policy = policyOf({ maxAttempts: 2 });
  await a.acquire({ policy });
  advance(LEASE_MS);
  expect((await a.acquire({ policy })).attempt).toBe(2);
  advance(LEASE_MS);
  expect(await a.claimed({ policy })).toBe("failed");
  expect(await row()).toMatchObject({ state: 4, reason: 4, attempt: 2, end_digest: null });
});

test("a failed record is replayed, and run again where the caller says so", async () => {
  const { a } = createScene(sessions);
  await a.finish(await a.acquire(), "terminal");
  expect(await a.claimed()).toBe("failed");
  expect((await a.acquire({ reuse: "retry-failed" })).attempt).toBe(2);
});

test("a claim that may not acquire inserts nothing, and still reattaches and replays", async () => {
  const { a, row } = createScene(sessions);
  const claimId = own();
  expect(await a.claimed({ mayAcquire: "nothing" })).toBe("refused");
  expect(await row()).toBeNull();
  const lease = await a.acquire(claimId);
  expect(await a.claimed({ ...claimId, mayAcquire: "nothing" })).toBe("acquired reattached");
  expect(await a.claimed({ mayAcquire: "nothing" })).toBe("in-progress");
  await a.finish(lease, "complete");
  expect(await a.claimed({ mayAcquire: "nothing" })).toBe("completed");
});

test("reuse REJECT refuses what exists and acquires what is absent", async () => {
  const { a } = createScene(sessions);
  const lease = await a.acquire({ reuse: "reject" });
  await a.finish(lease, "retryable");
  expect(await a.claimed({ reuse: "reject" })).toBe("RECORD_EXISTS");
});

test("a forgotten record is claimed in place as for the first time: every column, but for the fence, is the new claim's", async () => {
  const { a, advance, row } = createScene(sessions);
  const first = await a.acquire({ evidence: bytes("old"), externalRef: "old" });
  await a.heartbeat(first, { checkpoint: { sequence: 7n, encoded: bytes("cp") }, progress: bytes("half") });
  await a.finish(first, "complete");
  advance(2 * DAY);
  const policy = {
    hold: true,
    maxAttempts: 3,
    maxExecutionMs: 60_000,
    resultRetentionMs: 61_000,
    tombstoneRetentionMs: 62_000,
  };
  const lease = await a.acquire({ fingerprint: OTHER, policy, evidence: bytes("new") });
  expect(await row()).toMatchObject({
    state: 1,
    attempt: 1,
    hold: true,
    max_attempts: 3,
    max_execution_ms: 60_000n,
    result_retention_ms: 61_000n,
    tombstone_retention_ms: 62_000n,
    checkpoint: null,
    checkpoint_sequence: 0n,
    checkpoint_time: null,
    progress: null,
    external_ref: null,
    outcome: null,
    end_digest: null,
    end_time: null,
    reason: null,
    forget_at: Infinity,
    sweep_at: Infinity,
    has_waiters: false,
    create_time: a.now(),
    attempt_start_time: a.now(),
    fence: lease.fence,
  });
  expect(lease.fence).toBeGreaterThan(first.fence);
  expect(await a.claimed()).toBe("FINGERPRINT_MISMATCH");
  advance(LEASE_MS);
  expect(await a.claimed({ fingerprint: OTHER })).toBe("outcome-unknown");
});

test("the fence rises in place also where the clock has fallen behind it", async () => {
  const { a, advance, sql } = createScene(sessions);
  await a.finish(await a.acquire(), "complete");
  await sql("update holdfast.record set fence = fence + 3600000000000 where $record");
  const before = (await a.peek()).lease.fence;
  advance(2 * DAY);
  expect((await a.acquire()).fence).toBe(before + 1n);
});

test("a claim that runs after its not_after acquires nothing", async () => {
  const { a, time, row } = createScene(sessions);
  const late = { ...time, notAfter: async () => "2026-01-01T00:00:00Z" };
  expect(await runClaims(sessions.a, [claimOf({ key: a.key })], late)).toEqual([null]);
  expect(await row()).toBeNull();
  await a.acquire();
});

test("a takeover that runs after its not_after acquires nothing", async () => {
  const { a, advance, time, row } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  const late = { ...time, notAfter: async () => "2026-01-01T00:00:00Z" };
  expect(await claimAll(sessions.a, [claimOf({ key: a.key, claimId: randomUUID() })], late)).toEqual([null]);
  expect(await row()).toMatchObject({ fence: lease.fence });
  await a.acquire();
});
