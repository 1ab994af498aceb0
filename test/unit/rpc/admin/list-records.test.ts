import { describe, expect, test } from "vitest";
import { FailReason, RecordState, UnknownReason } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { StuckReason } from "../../../../gen/holdfast/v1/operator_pb.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import { NOW } from "../../../support/records.ts";
import { acquire, methods, seconds } from "../bundle.ts";
import { admin, keyed, keysOf, MADE, type Made, type RecordStand, recordStand, walk } from "./records-stand.ts";

type Filters = object;

const list = async (own: RecordStand, filters: Filters = {}) =>
  keysOf((await own.ask(admin.listRecords, filters)).records);
const at = (instant: Instant) => ({ seconds: BigInt(Math.floor(instant / 1e6)) });

/** One record in each state, the key of which is its name. */
async function everyState() {
  const own = recordStand();
  await MADE.expired(own, keyed("expired"));
  for (const state of ["unknown", "lapsed", "available"] as const) {
    await MADE[state](own, keyed(state));
    own.pass(1);
  }
  own.pass(60_000);
  for (const state of ["held", "completed", "failed", "reconciling"] as const) await MADE[state](own, keyed(state));
  return own;
}

describe("the list", () => {
  test("has stuck records first, by their first claims, then the other open ones, then the ended by key", async () => {
    const own = await everyState();
    expect(await list(own)).toEqual([
      ...["unknown", "lapsed", "available"],
      ...["held", "reconciling"],
      ...["completed", "expired", "failed"],
    ]);
  });

  test("comes in pages of any size, none twice and none left out", async () => {
    const own = await everyState();
    const whole = await list(own);
    for (const pageSize of [1, 2, 3, 8, 1000]) {
      const pages = await walk(own, { pageSize });
      expect(pages.flat()).toEqual(whole);
      expect(pages.every((page) => page.length <= pageSize)).toBe(true);
    }
  });

  test("has a hundred records on a page unless asked for others", async () => {
    const own = recordStand();
    for (let i = 0; i < 101; i++) await acquire(own, keyed(`key-${String(i).padStart(3, "0")}`));
    const first = await own.ask(admin.listRecords, {});
    expect(first.records).toHaveLength(100);
    const second = await own.ask(admin.listRecords, { pageToken: first.nextPageToken });
    expect([keysOf(second.records), second.nextPageToken]).toEqual([["key-100"], ""]);
  });

  test("of a tenant without records is empty", async () => {
    expect(await recordStand().ask(admin.listRecords, { tenantId: "acme" })).toMatchObject({
      records: [],
      nextPageToken: "",
    });
  });

  test("has one tenant's records only", async () => {
    const own = recordStand();
    await acquire(own, { key: { tenant: "acme", scope: "s", key: "theirs" } });
    await acquire(own, { key: { tenant: "default", scope: "s", key: "ours" } });
    expect(await list(own)).toEqual(["ours"]);
    expect(await list(own, { tenantId: "acme" })).toEqual(["theirs"]);
  });
});

describe("a record in the list", () => {
  const cases: Readonly<Record<Made, object>> = {
    held: { state: RecordState.IN_PROGRESS, leaseExpireTime: at(addMs(NOW, 30_000)), stateTime: at(NOW), attempt: 1 },
    lapsed: {
      state: RecordState.IN_PROGRESS,
      stuck: StuckReason.LEASE_EXPIRED,
      stateTime: at(addMs(NOW, 30_000)),
      leaseExpireTime: at(addMs(NOW, 30_000)),
    },
    available: { state: RecordState.AVAILABLE, stateTime: at(NOW), attempt: 1, stuck: StuckReason.UNSPECIFIED },
    completed: { state: RecordState.COMPLETED, stateTime: at(NOW) },
    failed: { state: RecordState.FAILED, failReason: FailReason.REPORTED, stateTime: at(NOW) },
    unknown: {
      state: RecordState.OUTCOME_UNKNOWN,
      stuck: StuckReason.OUTCOME_UNKNOWN,
      unknownReason: UnknownReason.REPORTED,
    },
    reconciling: { state: RecordState.IN_PROGRESS, reconciling: true, stuck: StuckReason.UNSPECIFIED },
    expired: { state: RecordState.EXPIRED, stateTime: at(NOW), externalRef: "" },
  };

  test.each(Object.entries(cases) as [Made, object][])(
    "that is %s shows so, and nothing of its outcome",
    async (made, shows) => {
      const own = recordStand();
      const owner = { service: "billing", instance: "billing-7" };
      await MADE[made](own, { owner, externalRef: "ch_1" });
      const [record, ...others] = (await own.ask(admin.listRecords, {})).records;
      expect(others).toEqual([]);
      expect(record).toMatchObject({ key: { tenant: "default", scope: "charge", key: "evt_1" }, ...shows });
      expect([record?.result, record?.error]).toEqual([undefined, undefined]);
      expect(record?.createTime).toMatchObject(at(NOW));
      expect(record?.owner).toEqual(made === "expired" ? undefined : expect.objectContaining(owner));
      const { fence } = (await own.call(methods.getRecord, keyed("evt_1"))).record ?? {};
      expect(record?.fence).toBe(fence);
    },
  );

  test("that could have been claimed for a minute is overdue, since it could", async () => {
    const own = recordStand();
    await MADE.available(own);
    own.pass(60_000);
    const { records } = await own.ask(admin.listRecords, { stuckOnly: true });
    expect(records).toMatchObject([{ stuck: StuckReason.OVERDUE, stateTime: at(NOW) }]);
  });

  test("shows its result or error when that is asked for", async () => {
    const own = await everyState();
    const { records } = await own.ask(admin.listRecords, { includeOutcomes: true });
    const told = records.map(({ key, result, error }) => [key?.key, result?.body.value ?? error?.message ?? null]);
    expect(Object.fromEntries(told)).toEqual({
      ...{ unknown: "no answer", lapsed: null, available: "not now", held: null, reconciling: "no answer" },
      ...{ completed: new Uint8Array(Buffer.from("done")), failed: "no such card", expired: null },
    });
  });
});

describe("the filters", () => {
  test.each<[string, Filters, readonly string[]]>([
    ["a scope", { scope: "other" }, ["x"]],
    ["a key's beginning", { keyPrefix: "a/" }, ["a/1", "a/2"]],
    ["a pattern as a key's beginning, which is none", { keyPrefix: "a%" }, []],
    ["a state", { states: [RecordState.COMPLETED] }, ["a/2"]],
    ["several states", { states: [RecordState.COMPLETED, RecordState.IN_PROGRESS] }, ["a/1", "x", "a/2"]],
    ["a service", { owner: "billing" }, ["a/1"]],
    ["an instance", { owner: "billing-7" }, ["a/1"]],
    ["a service and an instance, as they are printed", { owner: "billing/billing-7" }, ["a/1"]],
    ["a service and another instance", { owner: "billing/billing-8" }, []],
    ["half a name", { owner: "bill" }, []],
    ["an age", { olderThan: seconds(10) }, ["a/1"]],
    ["the other age", { newerThan: seconds(9) }, ["x", "a/2"]],
    ["both", { olderThan: seconds(1), newerThan: seconds(100_000_000_000) }, ["a/1"]],
    ["an age that nothing has", { olderThan: seconds(315_576_000_000) }, []],
    [
      "all together",
      { scope: "charge", keyPrefix: "a/", states: [RecordState.IN_PROGRESS], owner: "billing" },
      ["a/1"],
    ],
  ])("let through what has %s", async (_, filters, keys) => {
    const own = recordStand();
    await acquire(own, { ...keyed("a/1"), owner: { service: "billing", instance: "billing-7" } });
    own.pass(10_000);
    await MADE.completed(own, keyed("a/2"));
    await acquire(own, { ...keyed("x", "other"), owner: { service: "shipping", instance: "" } });
    expect(await list(own, filters)).toEqual(keys);
    expect((await walk(own, { ...filters, pageSize: 1 })).flat()).toEqual(keys);
  });

  test("for an owner look through many records of others in one call", async () => {
    const own = recordStand();
    for (let i = 0; i < 300; i++) {
      const service = i % 100 === 99 ? "rare" : "usual";
      await acquire(own, { ...keyed(`key-${String(i).padStart(3, "0")}`), owner: { service, instance: "" } });
    }
    expect(await list(own, { owner: "rare", pageSize: 3 })).toEqual(["key-099", "key-199", "key-299"]);
    expect(await walk(own, { owner: "rare", pageSize: 2 })).toEqual([["key-099", "key-199"], ["key-299"]]);
  });
});
