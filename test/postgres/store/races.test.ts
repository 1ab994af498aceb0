import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { bytes, LEASE_MS, MINUTE, NO_FINGERPRINT } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

/**
 * Each race holds the winner's transaction open until the loser waits for its lock: the loser has read the record as it
 * was before, and must notice.
 */
let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const HOLD = policyOf({ hold: true });
const reconcile = { intent: "reconcile", fingerprint: NO_FINGERPRINT } as const;

test("of two first claims one acquires, and the other is told that it is in progress", async () => {
  const { a, b, race } = createScene(sessions);
  expect(
    await race(
      () => a.claimed(),
      () => b.claimed(),
    ),
  ).toEqual(["acquired new", "in-progress"]);
});

test("of two takeovers one acquires", async () => {
  const { a, b, advance, race } = createScene(sessions);
  await a.acquire();
  advance(LEASE_MS);
  expect(
    await race(
      () => a.claimed(),
      () => b.claimed(),
    ),
  ).toEqual(["acquired takeover", "in-progress"]);
});

test("of two claims of a forgotten record one acquires", async () => {
  const { a, b, advance, race } = createScene(sessions);
  await a.finish(await a.acquire(), "complete");
  advance(3 * 24 * 60 * MINUTE);
  expect(
    await race(
      () => a.claimed(),
      () => b.claimed(),
    ),
  ).toEqual(["acquired new", "in-progress"]);
});

test("a takeover loses to a late completion", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  expect(
    await race(
      () => a.finished(lease, "complete"),
      () => b.claimed(),
    ),
  ).toEqual(["completed, late", "completed"]);
});

test("a late completion loses to a takeover", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  expect(
    await race(
      () => a.claimed(),
      () => b.finished(lease, "complete"),
    ),
  ).toEqual(["acquired takeover", "LEASE_SUPERSEDED"]);
});

test("a takeover loses to a late heartbeat", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  expect(
    await race(
      () => a.heartbeat(lease),
      () => b.claimed(),
    ),
  ).toEqual(["extended", "in-progress"]);
});

test("a takeover that waits for a heartbeat which changed nothing but the checkpoint hands on the new checkpoint", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxExecutionMs: LEASE_MS }) });
  advance(LEASE_MS);
  const checkpoint = { sequence: 1n, encoded: bytes("step 1") };
  const [, taken] = await race(
    () => a.heartbeat(lease, { checkpoint }),
    () => b.acquire(),
  );
  expect(taken.record.checkpoint).toEqual(checkpoint.encoded);
});

test("a late heartbeat loses to a takeover", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  expect(
    await race(
      () => a.claimed(),
      () => b.heartbeat(lease),
    ),
  ).toEqual(["acquired takeover", "LEASE_SUPERSEDED"]);
});

test("a takeover loses to a reattach, and a reattach to a takeover", async () => {
  for (const reattachFirst of [true, false]) {
    const { a, b, advance, race } = createScene(sessions);
    const claimId = { claimId: randomUUID() };
    await a.acquire(claimId);
    advance(LEASE_MS);
    const answers = reattachFirst
      ? await race(
          () => a.claimed(claimId),
          () => b.claimed(),
        )
      : await race(
          () => a.claimed(),
          () => b.claimed(claimId),
        );
    expect(answers).toEqual([reattachFirst ? "acquired reattached" : "acquired takeover", "in-progress"]);
  }
});

test("a takeover of a record that is purged meanwhile is a first claim, with nothing of the old record", async () => {
  const { a, b, advance, race, row, sql } = createScene(sessions);
  await a.acquire();
  advance(LEASE_MS);
  const [, taken] = await race(
    () => sql("delete from holdfast.record where $record"),
    () => b.acquire({ policy: HOLD }),
  );
  expect(taken.attempt).toBe(1);
  expect(await row()).toMatchObject({ suspect_token: null, suspect_fence: null, reason: null, hold: true });
  advance(LEASE_MS);
  await a.acquire(reconcile);
  expect(await a.finished(taken, "complete")).toBe("completed, late");
});

test("a claim that would settle used-up attempts loses to the heartbeat that revives them", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxAttempts: 1 }) });
  advance(LEASE_MS);
  expect(
    await race(
      () => a.heartbeat(lease),
      () => b.claimed(),
    ),
  ).toEqual(["extended", "in-progress"]);
});

test("a takeover loses to a report of an unknown outcome that leaves fence and due as they were", async () => {
  const { a, b, advance, race } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  const answers = await race(
    () => a.finished(lease, "outcome-unknown"),
    () => b.claimed(),
  );
  expect(answers).toEqual(["outcome-unknown, late", "outcome-unknown"]);
});

test("a retry that waits for another whole attempt is told of that attempt's error", async () => {
  const { a, b, race } = createScene(sessions);
  await a.finish(await a.acquire(), "retryable", { outcome: bytes("the first error") });
  const [, third] = await race(
    async () => a.finish(await a.acquire(), "retryable", { outcome: bytes("the second error") }),
    () => b.acquire(),
  );
  expect(third.attempt).toBe(3);
  expect(third.record.outcome).toEqual(bytes("the second error"));
});
