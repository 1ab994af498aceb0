import { afterAll, beforeAll, expect, test } from "vitest";
import type { Session } from "../../../src/store/postgres/connection.ts";
import type { Lease } from "../../store/bench.ts";
import { finishOf, LEASE_MS } from "../../support/records.ts";
import { finishWords } from "../../support/words.ts";
import { createScene, openSessions, type Sessions } from "../store/sessions.ts";
import { completeBy } from "./completing-store.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions("owner");
});
afterAll(() => sessions.close());

/** An attempt whose lease is over, so that another may take over. */
async function scene() {
  const made = createScene(sessions);
  const lease = await made.a.acquire();
  made.advance(LEASE_MS + 1);
  const flag = async (on: "storeA" | "storeB") =>
    made[on].watch({ key: made.key, state: "in-progress", fence: lease.fence }, Number.POSITIVE_INFINITY);
  return { ...made, lease, flag, completing: completing(made.key, lease, () => made.a.now()) };
}

const completing =
  (key: Parameters<typeof createCall>[0], lease: Lease, now: () => number) => async (session: Session) =>
    finishWords(await completeBy(session, createCall(key, lease), now()));

const createCall = (key: ReturnType<typeof createScene>["key"], { token, fence }: Lease) =>
  finishOf({ key, proof: { token, fence }, kind: "complete" });

test("a takeover that waits for a completion's commit finds the result", async () => {
  const { race, completing, b } = await scene();
  const [done, claimed] = await race(
    () => completing(sessions.a),
    () => b.claimed(),
  );
  expect([done, claimed]).toEqual(["completed, late", "completed"]);
});

test("a completion that waits for a takeover's commit is refused", async () => {
  const { race, completing, a } = await scene();
  const [claimed, done] = await race(
    () => a.claimed(),
    () => completing(sessions.b),
  );
  expect([claimed, done]).toEqual(["acquired takeover", "LEASE_SUPERSEDED"]);
});

test("a server's completion that waits for the same one's commit is told that it is a repeat", async () => {
  const { race, completing, b, lease } = await scene();
  const [done, repeated] = await race(
    () => completing(sessions.a),
    () => b.finished(lease, "complete"),
  );
  expect([done, repeated]).toEqual(["completed, late", "already applied"]);
});

test("a completion that waits for the same one of a server is told that it is a repeat", async () => {
  const { race, completing, a, lease } = await scene();
  const [done, repeated] = await race(
    () => a.finished(lease, "complete"),
    () => completing(sessions.b),
  );
  expect([done, repeated]).toEqual(["completed, late", "already applied"]);
});

test("a completion that waits for a server's other end is refused", async () => {
  const { race, completing, a, lease } = await scene();
  const [done, refused] = await race(
    () => a.finished(lease, "terminal"),
    () => completing(sessions.b),
  );
  expect([done, refused]).toEqual(["failed, late", "RESULT_CONFLICT"]);
});

test("who flags a record while it is completed finds it ended, and who was first is told of the end", async () => {
  const late = await scene();
  const [, isFlagged] = await late.race(
    () => late.completing(sessions.a),
    () => late.flag("storeB"),
  );
  expect(isFlagged).toBe(false);

  const early = await scene();
  const [flagged, answer] = await early.race(
    () => early.flag("storeA"),
    () => completeBy(sessions.b, createCall(early.key, early.lease), early.a.now()),
  );
  expect([flagged, answer]).toEqual([true, expect.objectContaining({ hasWaiters: true })]);
});
