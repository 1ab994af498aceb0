import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { LEASE_MS, NO_FINGERPRINT } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const HOLD = policyOf({ hold: true });
const reconcile = { intent: "reconcile", fingerprint: NO_FINGERPRINT } as const;

/** A record whose lease is over under HOLD, and its holder. */
async function lapsed() {
  const scene = createScene(sessions);
  const suspect = await scene.a.acquire({ policy: HOLD });
  scene.advance(LEASE_MS);
  return { ...scene, suspect };
}

test("a lapse under HOLD is taken by reconcilers only, and counts no attempt", async () => {
  const { a } = await lapsed();
  expect(await a.claimed()).toBe("outcome-unknown");
  const reconciler = await a.acquire(reconcile);
  expect([reconciler.record.suspect === null, reconciler.attempt]).toEqual([false, 1]);
});

test("the suspect may complete under a reconciler, whose verdict then comes too late; nothing else of it counts", async () => {
  const { a, suspect } = await lapsed();
  const reconciler = await a.acquire(reconcile);
  expect(await a.heartbeat(suspect)).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(suspect, "retryable")).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(suspect, "complete")).toBe("completed, late");
  expect(await a.finished(suspect, "complete")).toBe("already applied");
  expect(await a.finished(reconciler, "not-started")).toBe("LEASE_SUPERSEDED");
  expect(await a.claimed()).toBe("completed");
});

test("a reconciler that dies leaves the outcome unknown to the next, whose verdict silences the suspect", async () => {
  const { a, advance, suspect } = await lapsed();
  await a.acquire(reconcile);
  advance(LEASE_MS);
  expect(await a.claimed()).toBe("outcome-unknown");
  const second = await a.acquire(reconcile);
  expect(await a.finished(second, "not-started")).toBe("available");
  expect(await a.finished(suspect, "complete")).toBe("LEASE_SUPERSEDED");
  expect((await a.acquire()).attempt).toBe(1);
});

test("a stored unknown outcome is reconciled under REACQUIRE too, and stays unknown when the reconciler dies", async () => {
  const { a, advance } = createScene(sessions);
  const suspect = await a.acquire();
  expect(await a.finished(suspect, "outcome-unknown")).toBe("outcome-unknown");
  expect(await a.claimed()).toBe("outcome-unknown");
  await a.acquire(reconcile);
  advance(LEASE_MS);
  expect(await a.claimed()).toBe("outcome-unknown");
  expect(await a.finished(suspect, "complete")).toBe("completed, late");
});

test("a reconciler never inserts", async () => {
  const { a, row } = createScene(sessions);
  expect(await a.claimed(reconcile)).toBe("RECORD_NOT_FOUND");
  expect(await row()).toBeNull();
});

test("a reconciler with a payload of its own must have the record's", async () => {
  const { a } = await lapsed();
  expect(await a.claimed({ intent: "reconcile", fingerprint: { algorithm: "", digest: new Uint8Array(32) } })).toBe(
    "FINGERPRINT_MISMATCH",
  );
  expect(await a.claimed({ intent: "reconcile" })).toBe("acquired reconcile");
});

test("a reconciler's claim_id gets the same lease again, live or lapsed, and is none to execute with", async () => {
  const { a, advance, suspect } = await lapsed();
  const claimId = { claimId: randomUUID() };
  const first = await a.acquire({ ...reconcile, ...claimId });
  const again = await a.acquire({ ...reconcile, ...claimId });
  expect([again.fence, again.token, again.due > first.due]).toEqual([first.fence, first.token, true]);
  advance(LEASE_MS);
  expect((await a.acquire({ ...reconcile, ...claimId })).fence).toBe(first.fence);
  expect(await a.claimed(claimId)).toBe("CLAIM_ENDED");
  expect(await a.finished(suspect, "complete")).toBe("completed, late");
});

test("reuse REJECT reconciles nothing, but for its own lease again", async () => {
  const { a } = await lapsed();
  const claimId = { claimId: randomUUID() };
  expect(await a.claimed({ ...reconcile, reuse: "reject" })).toBe("RECORD_EXISTS");
  await a.acquire({ ...reconcile, ...claimId });
  expect(await a.claimed({ ...reconcile, ...claimId, reuse: "reject" })).toBe("acquired reattached");
});

test("who may not acquire does not reconcile, and writes nothing", async () => {
  const { a, row } = await lapsed();
  const stored = await row();
  expect(await a.claimed({ ...reconcile, mayAcquire: "nothing" })).toBe("refused");
  expect(await row()).toEqual(stored);
});
