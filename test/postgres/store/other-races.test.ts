import { afterAll, beforeAll, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { releaseRecord, resetRecord } from "../../support/operating.ts";
import { bytes, LEASE_MS, NO_FINGERPRINT } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

/**
 * As in races.test.ts: each race holds the winner's transaction open until the loser waits for its lock: the loser has read the record as it
 * was before, and must notice.
 */
let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const HOLD = policyOf({ hold: true });
const reconcile = { intent: "reconcile", fingerprint: NO_FINGERPRINT } as const;

test("a reconciler loses to a late heartbeat", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire({ policy: HOLD });
  advance(LEASE_MS);
  expect(
    await race(
      () => a.heartbeat(lease),
      () => b.claimed(reconcile),
    ),
  ).toEqual(["extended", "in-progress"]);
});

test("of two reconcilers one acquires", async () => {
  const { a, b, advance, race } = createScene(sessions);
  await a.acquire({ policy: HOLD });
  advance(LEASE_MS);
  expect(
    await race(
      () => a.claimed(reconcile),
      () => b.claimed(reconcile),
    ),
  ).toEqual(["acquired reconcile", "in-progress"]);
});

test("a reconciler of a record that is purged meanwhile finds none, and makes none", async () => {
  const { a, b, advance, race, row, sql } = createScene(sessions);
  await a.acquire({ policy: HOLD });
  advance(LEASE_MS);
  const [, answer] = await race(
    () => sql("delete from holdfast.record where $record"),
    () => b.claimed(reconcile),
  );
  expect(answer).toBe("RECORD_NOT_FOUND");
  expect(await row()).toBeNull();
});

test("a suspect's completion and a reconciler's verdict: whoever comes second knows", async () => {
  for (const suspectFirst of [true, false]) {
    const { a, b, advance, race } = createScene(sessions);
    const suspect = await a.acquire({ policy: HOLD });
    advance(LEASE_MS);
    const reconciler = await a.acquire(reconcile);
    const answers = suspectFirst
      ? await race(
          () => a.finished(suspect, "complete"),
          () => b.finished(reconciler, "not-started"),
        )
      : await race(
          () => a.finished(reconciler, "not-started"),
          () => b.finished(suspect, "complete"),
        );
    expect(answers).toEqual([suspectFirst ? "completed, late" : "available", "LEASE_SUPERSEDED"]);
  }
});

test("settling loses to a heartbeat that revives the last attempt", async () => {
  const { a, advance, race, settleOn } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxAttempts: 1 }) });
  advance(LEASE_MS);
  expect(
    await race(
      () => a.heartbeat(lease),
      () => settleOn(sessions.b, lease.fence),
    ),
  ).toEqual(["extended", false]);
});

test("an end that waits for the flag of those who wait is told of it", async () => {
  const { a, b, race, storeA } = createScene(sessions);
  const lease = await a.acquire();
  const [flagged, ended] = await race(
    () => storeA.watch({ key: a.key, state: "in-progress", fence: lease.fence }, Infinity),
    () => b.finish(lease, "complete"),
  );
  expect([flagged, ended]).toMatchObject([true, { kind: "ended", hasWaiters: true }]);
});

test("a flag that waits for an end is not set", async () => {
  const { a, race, storeB } = createScene(sessions);
  const lease = await a.acquire();
  const [ended, flagged] = await race(
    () => a.finish(lease, "complete"),
    () => storeB.watch({ key: a.key, state: "in-progress", fence: lease.fence }, Infinity),
  );
  expect([ended, flagged]).toMatchObject([{ kind: "ended", hasWaiters: false }, false]);
});

test("a reconciler that waits for another's verdict is told what that one found", async () => {
  const { a, b, race } = createScene(sessions);
  await a.finish(await a.acquire(), "outcome-unknown", { outcome: bytes("timed out") });
  const [, second] = await race(
    async () => a.finish(await a.acquire(reconcile), "outcome-unknown", { outcome: bytes("still unknown") }),
    () => b.acquire(reconcile),
  );
  expect(second.record.outcome).toEqual(bytes("still unknown"));
});

test("a reconciler that waits for a report of the unknown outcome by its holder is told of the report", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire({ policy: HOLD });
  advance(LEASE_MS);
  const [, reconciler] = await race(
    () => a.finish(lease, "outcome-unknown", { outcome: bytes("timed out") }),
    () => b.acquire(reconcile),
  );
  expect(reconciler.record).toMatchObject({ reason: "reported", outcome: bytes("timed out") });
});

test("a release that waits for an end releases nothing", async () => {
  const { a, race, storeB } = createScene(sessions);
  const lease = await a.acquire();
  const answers = await race(
    () => a.finished(lease, "complete"),
    () => releaseRecord(storeB, a.key),
  );
  expect(answers).toEqual(["completed", null]);
  expect(await a.claimed()).toBe("completed");
});

test("a reset that is not forced leaves alone what a heartbeat revived", async () => {
  const { a, advance, race, storeB } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  const answers = await race(
    () => a.heartbeat(lease),
    () => resetRecord(storeB, a.key, false),
  );
  expect(answers).toEqual(["extended", false]);
});
