import { expect, test, vi } from "vitest";
import type { RecordKey } from "../../../src/domain/key.ts";
import { bytes, claimOf, finishOf, freshToken } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { createHubScene } from "../waiting/hub-scene.ts";

/** 96 bits of SHA-256 do not collide for a test; here every record has one and the same id. */
vi.mock(import("../../../src/waiting/wake-id.ts"), async (load) => ({
  ...(await load()),
  wakeId: () => "A".repeat(16),
}));

const MINE: RecordKey = { tenant: "mine", scope: "orders", key: "order-1" };
const THEIRS: RecordKey = { tenant: "theirs", scope: "orders", key: "order-1" };

test("records of one wake id wake each other's waiters, which costs a read and tells them nothing", async () => {
  const { elsewhere, join, reads, told, notify } = createHubScene();
  const acquire = async (key: RecordKey) => {
    const answer = await elsewhere.claim(claimOf({ key, token: freshToken() }), Number.POSITIVE_INFINITY);
    if (answer.kind !== "acquired") throw new Error(`not acquired: ${answer.kind}`);
    return answer.record.lease;
  };
  const complete = async (key: RecordKey, proof: Awaited<ReturnType<typeof acquire>>) => {
    await elsewhere.finish(finishOf({ key, proof, outcome: bytes(`of ${key.tenant}`) }), Number.POSITIVE_INFINITY);
    await notify();
    await settled();
  };
  const leases = { mine: await acquire(MINE), theirs: await acquire(THEIRS) };
  const mine = await join(undefined, MINE);
  const theirs = await join(undefined, THEIRS);
  await settled();
  expect(told).toEqual([]);
  const before = reads.counts.peek;

  await complete(MINE, leases.mine);
  expect(reads.counts.peek, "both were read").toBe(before + 2);
  expect(mine.onlooker.states).toEqual(["in-progress", "completed"]);
  expect(theirs.onlooker.states, "and nothing of it was shown to the other").toEqual(["in-progress"]);

  mine.leave();
  await settled();
  await complete(THEIRS, leases.theirs);
  expect(theirs.onlooker.states, "the id still finds who stayed").toEqual(["in-progress", "completed"]);
  for (const [{ onlooker }, key] of [
    [mine, MINE],
    [theirs, THEIRS],
  ] as const) {
    expect(onlooker.seen.map(({ record }) => record?.key)).toEqual([key, key]);
    expect(onlooker.seen.at(-1)?.record?.outcome).toEqual(bytes(`of ${key.tenant}`));
  }
});
