import { describe, expect, test } from "vitest";
import { Code } from "../../../../gen/google/rpc/code_pb.ts";
import { RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../../src/domain/fault.ts";
import { PURGE_AT_ONCE, PURGED_MAX } from "../../../../src/operations/admin/records/purge.ts";
import { claimIdOf, claimOf, finishOf, freshToken } from "../../../support/records.ts";
import { acquire, KEY, methods } from "../bundle.ts";
import { admin, keyed, MADE, type Made, OPERATOR, REASON, type RecordStand, recordStand } from "./records-stand.ts";

const purge = (own: RecordStand, target: object, more: object = {}) =>
  own.ask(admin.purgeRecords, { target: target as never, reason: REASON, ...more });
const KEY_TARGET = { case: "key", value: KEY } as const;
const ALL = { case: "all", value: true } as const;

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (thrown: { readonly code: Code; readonly reason: string; readonly message: string }) => thrown,
  );

const isThere = async (own: RecordStand, key: string, scope = KEY.scope) =>
  own.call(methods.getRecord, keyed(key, scope)).then(
    () => true,
    () => false,
  );

/** So many records of `default`, straight into the store: ended, or held. */
async function fill({ store }: RecordStand, count: number, prefix: string, isHeld = false) {
  for (let i = 0; i < count; i++) {
    const key = { tenant: "default", scope: KEY.scope, key: `${prefix}-${String(i).padStart(5, "0")}` };
    const token = freshToken();
    const claim = claimOf({ key, token, claimId: claimIdOf(`claim-${i}`) });
    const answer = await store.claim(claim, Number.POSITIVE_INFINITY);
    if (isHeld || answer.kind !== "acquired") continue;
    await store.finish(finishOf({ key, proof: { token, fence: answer.record.lease.fence } }), Number.POSITIVE_INFINITY);
  }
}

describe("of a single key", () => {
  test.each(["lapsed", "available", "completed", "failed", "unknown", "expired"] as const)(
    "a record that is %s is deleted with its tombstone: the next claim does the work again",
    async (made: Made) => {
      const own = recordStand();
      await MADE[made](own);
      await acquire(own, keyed("another"));
      const { fence } = (await own.call(methods.getRecord, { key: KEY })).record ?? {};
      expect(await purge(own, KEY_TARGET)).toMatchObject({ purged: 1n, held: 0n, more: false });
      expect([await isThere(own, KEY.key), await isThere(own, "another")]).toEqual([false, true]);
      const { lease, handle } = await acquire(own);
      expect(lease?.attempt).toBe(1);
      expect(handle.fence).toBeGreaterThan(fence ?? 0n);
    },
  );

  test.each(["held", "reconciling"] as const)("a record that is %s is left unless forced", async (made) => {
    const own = recordStand();
    await MADE[made](own);
    const refused = await refusal(purge(own, KEY_TARGET));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
    expect(refused?.message).toBe("somebody holds the record; wait for the end of the lease, or purge it with force");
    expect(await isThere(own, KEY.key)).toBe(true);
    expect(await purge(own, KEY_TARGET, { force: true })).toMatchObject({ purged: 1n, held: 0n });
    expect(await isThere(own, KEY.key)).toBe(false);
  });

  test("one that is not there is RECORD_NOT_FOUND", async () => {
    const own = recordStand();
    const refused = await refusal(purge(own, KEY_TARGET));
    expect(refused).toMatchObject({ code: Code.NOT_FOUND, reason: "RECORD_NOT_FOUND" });
    expect(own.purges).toEqual([]);
  });

  test("one that is long gone, but for its key in the audit log, is blotted out there, and told to the log", async () => {
    const own = recordStand();
    await MADE.held(own);
    await own.ask(admin.resetRecord, { key: KEY, reason: REASON, force: true });
    await MADE.expired(own);
    own.pass(24 * 60 * 60_000);
    await own.store.sweep(10);
    expect(await purge(own, KEY_TARGET)).toMatchObject({ purged: 0n, held: 0n, more: false });
    expect(own.purges).toMatchObject([{ target: "record", purged: 0, redacted: 1 }]);
    expect(await refusal(purge(own, KEY_TARGET))).toMatchObject({ reason: "RECORD_NOT_FOUND" });
  });

  test("a forgotten record that the sweeper has not come to is deleted too", async () => {
    const own = recordStand();
    await MADE.expired(own);
    own.pass(24 * 60 * 60_000);
    expect((await own.refusal(admin.getRecordTimeline, { key: KEY })).reason).toBe("RECORD_NOT_FOUND");
    expect(await purge(own, KEY_TARGET)).toMatchObject({ purged: 1n });
  });

  test("the tenant may be named twice, alike", async () => {
    const own = recordStand();
    await acquire(own, { key: { ...KEY, tenant: "acme" } });
    await acquire(own);
    const target = { case: "key", value: { ...KEY, tenant: "acme" } };
    expect(await purge(own, target, { tenantId: "acme", force: true })).toMatchObject({ purged: 1n });
    expect(await isThere(own, KEY.key)).toBe(true);
  });
});

describe("of many", () => {
  async function some() {
    const own = recordStand();
    await MADE.completed(own, keyed("a", "charge"));
    await acquire(own, keyed("b", "charge"));
    await MADE.completed(own, keyed("c", "refund"));
    await MADE.completed(own, { key: { tenant: "acme", scope: "charge", key: "theirs" } });
    return own;
  }

  test.each<[string, object, object]>([
    ["a scope's", { case: "scope", value: "charge" }, { purged: 1n, held: 1n, more: false }],
    ["all of a tenant", ALL, { purged: 2n, held: 1n, more: false }],
    ["none, of a scope that has none", { case: "scope", value: "nothing" }, { purged: 0n, held: 0n, more: false }],
    ["none, of a scope that only looks alike", { case: "scope", value: "char%" }, { purged: 0n }],
  ])("%s are deleted, and those left that somebody holds", async (_, target, answer) => {
    const own = await some();
    expect(await purge(own, target)).toMatchObject(answer);
    expect(await isThere(own, "b")).toBe(true);
    const { records } = await own.ask(admin.listRecords, { tenantId: "acme" });
    expect(records).toMatchObject([{ state: RecordState.COMPLETED }]);
  });

  test("those that somebody holds too, when it is forced", async () => {
    const own = await some();
    expect(await purge(own, ALL, { force: true })).toMatchObject({ purged: 3n, held: 0n, more: false });
    expect((await own.ask(admin.listRecords, {})).records).toEqual([]);
  });

  test("a call deletes a bounded number, says that there are more, and the next one goes on", async () => {
    const own = recordStand();
    await fill(own, PURGED_MAX + 1, "key");
    expect(await purge(own, ALL)).toMatchObject({ purged: BigInt(PURGED_MAX), more: true });
    expect(await purge(own, ALL)).toMatchObject({ purged: 1n, more: false });
    expect(await purge(own, ALL)).toMatchObject({ purged: 0n, more: false });
  });

  test("those that are held, however many, do not hide those behind them", async () => {
    const own = recordStand();
    await fill(own, 2 * PURGE_AT_ONCE, "a", true);
    await fill(own, 3, "b");
    const held = BigInt(2 * PURGE_AT_ONCE);
    expect(await purge(own, ALL)).toMatchObject({ purged: 3n, held, more: false });
  });

  test("a call takes no longer than half of the time that its caller gives, and does something in any time", async () => {
    const own: RecordStand = recordStand({
      through: (store) => ({
        ...store,
        async purge(call, deadline) {
          const purged = await store.purge(call, deadline);
          await own.clock.advance(400);
          return purged;
        },
      }),
    });
    await fill(own, 3 * PURGE_AT_ONCE, "key");
    const request = { target: ALL, reason: REASON };
    const within = (ms: number) => own.ask(admin.purgeRecords, request, OPERATOR, own.clock.monotonicMs() + ms);
    expect(await within(1000)).toMatchObject({ purged: BigInt(2 * PURGE_AT_ONCE), more: true });
    expect(await within(1)).toMatchObject({ purged: BigInt(PURGE_AT_ONCE) });
  });

  test("what was deleted before the store failed is told to the log, and the same call again goes on", async () => {
    let calls = 0;
    const own = recordStand({
      through: (store) => ({
        ...store,
        async purge(call, deadline) {
          calls++;
          if (calls === 2) throw new Fault("STORE_UNAVAILABLE", "the database does not answer");
          return store.purge(call, deadline);
        },
      }),
    });
    await fill(own, PURGE_AT_ONCE + 1, "key");
    expect((await refusal(purge(own, ALL)))?.reason).toBe("STORE_UNAVAILABLE");
    expect(await purge(own, ALL)).toMatchObject({ purged: 1n, more: false });
    expect(own.purges.map(({ purged }) => purged)).toEqual([PURGE_AT_ONCE, 1]);
  });
});

test("the log is told who has deleted how many of what, and of a call that deletes none nothing", async () => {
  const own = recordStand();
  await acquire(own, keyed("held"));
  for (const key of ["a", "b", "c"]) await MADE.completed(own, keyed(key));
  await purge(own, { case: "key", value: { ...KEY, key: "a" } });
  await purge(own, { case: "scope", value: KEY.scope });
  await purge(own, ALL);
  const by = { actor: OPERATOR.name, action: "purge", tenant: "default" };
  expect(own.purges).toEqual([
    { ...by, target: "record", purged: 1, redacted: 0, held: 0 },
    { ...by, target: "scope", purged: 2, redacted: 0, held: 1 },
  ]);
});
