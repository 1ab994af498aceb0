import { afterAll, beforeAll, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { releaseRecord, resetRecord } from "../../support/operating.ts";
import { fingerprintOf, NO_FINGERPRINT } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const HOLD = policyOf({ hold: true });
const OTHER = fingerprintOf("another payload");

test("a released lease under REACQUIRE is available, and its holder is superseded", async () => {
  const { a, storeB } = createScene(sessions);
  const holder = await a.acquire();
  expect(await releaseRecord(storeB, a.key)).toBe("available");
  expect(await a.heartbeat(holder)).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(holder, "complete")).toBe("LEASE_SUPERSEDED");
});

test("a released lease under HOLD is unknown, and its holder the suspect", async () => {
  const { a, storeB } = createScene(sessions);
  const holder = await a.acquire({ policy: HOLD });
  expect(await releaseRecord(storeB, a.key)).toBe("outcome-unknown");
  expect(await a.heartbeat(holder)).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(holder, "complete")).toBe("completed, late");
  expect(await releaseRecord(storeB, a.key)).toBeNull();
});

test("a reconciler's released lease is unknown whatever the policy, and the suspect stays the suspect", async () => {
  const { a, storeB } = createScene(sessions);
  const suspect = await a.acquire();
  await a.finish(suspect, "outcome-unknown");
  const reconciler = await a.acquire({ intent: "reconcile", fingerprint: NO_FINGERPRINT });
  expect(await releaseRecord(storeB, a.key)).toBe("outcome-unknown");
  expect(await a.claimed()).toBe("outcome-unknown");
  expect(await a.finished(reconciler, "not-started")).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(suspect, "complete")).toBe("completed, late");
});

test("a reset leaves a live lease alone unless forced, and makes the next claim a first one", async () => {
  const { a, storeB, row } = createScene(sessions);
  const holder = await a.acquire();
  expect(await resetRecord(storeB, a.key, false)).toBe(false);
  expect(await resetRecord(storeB, a.key, true)).toBe(true);
  expect(await a.heartbeat(holder)).toBe("LEASE_SUPERSEDED");
  const first = await a.acquire({ fingerprint: OTHER, policy: HOLD });
  expect(first.attempt).toBe(1);
  expect(first.fence).toBeGreaterThan(holder.fence);
  expect(await row()).toMatchObject({ hold: true, fingerprint: Buffer.from(OTHER.digest) });
});
