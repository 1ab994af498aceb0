import { describe, expect, test } from "vitest";
import type { ClaimAnswer } from "../../../../src/domain/calls.ts";
import { type TenantLimits, UNLIMITED } from "../../../../src/domain/tenant.ts";
import { createMeteredQuota, isMetered, type MeteredQuota } from "../../../../src/tenants/quota/metered.ts";
import { UNMETERED } from "../../../../src/tenants/quota.ts";
import { NOW, recordOf } from "../../../support/records.ts";

type Reason = Extract<ClaimAnswer, { readonly kind: "acquired" }>["reason"];

const acquired = (reason: Reason = "new"): ClaimAnswer => ({
  ...{ kind: "acquired", reason, record: recordOf(), policyDiffers: false, now: NOW },
});
const replayed: ClaimAnswer = { kind: "completed", record: recordOf(), policyDiffers: false, now: NOW };
type Ended = Parameters<MeteredQuota["ended"]>[0];

const ended = (change: Partial<Ended> = {}): Ended => ({
  ...{ kind: "ended", state: "completed", due: NOW, alreadyApplied: false, late: false, hasWaiters: false, now: NOW },
  ...change,
});

function metered(limits: Partial<TenantLimits>) {
  let nowMs = 0;
  const quota = createMeteredQuota({ limits: { ...UNLIMITED, ...limits }, clock: { monotonicMs: () => nowMs } });
  if (!isMetered(quota)) throw new Error("not metered");
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { quota, pass };
}

/** What a claim may do, and why not more; it is answered as given. */
function claim(quota: MeteredQuota, answer: ClaimAnswer | null = acquired()): string {
  const { mayAcquire, refusal, settle } = quota.reserve();
  const refused = mayAcquire === "anything" ? answer : replayed;
  settle(refused);
  return refusal === null ? mayAcquire : `${mayAcquire} ${refusal.code}`;
}

const times = (count: number, act: () => string) => Array.from({ length: count }, act);

test("a tenant without limits is not metered", () => {
  expect(createMeteredQuota({ limits: UNLIMITED, clock: { monotonicMs: () => 0 } })).toBe(UNMETERED);
  expect(createMeteredQuota({ limits: { ...UNLIMITED, waiters: 5 }, clock: { monotonicMs: () => 0 } })).toBe(UNMETERED);
});

describe("new records a second", () => {
  test("come in a burst and then at the rate; what exists may be acquired all the time", () => {
    const { quota, pass } = metered({ newRecordsPerSecond: 2, newRecordsBurst: 3 });
    expect(times(4, () => claim(quota))).toEqual([...Array(3).fill("anything"), "existing QUOTA_NEW_RECORDS"]);
    pass(499);
    expect(claim(quota)).toBe("existing QUOTA_NEW_RECORDS");
    pass(1);
    expect(times(2, () => claim(quota))).toEqual(["anything", "existing QUOTA_NEW_RECORDS"]);
    pass(60_000);
    expect(times(4, () => claim(quota)).filter((word) => word === "anything")).toHaveLength(3);
  });

  test("say when there will be one", () => {
    const { quota, pass } = metered({ newRecordsPerSecond: 4, newRecordsBurst: 1 });
    claim(quota);
    expect(quota.reserve().refusal?.retryAfterMs).toBe(250);
    pass(100);
    expect(quota.reserve().refusal?.retryAfterMs).toBe(150);
  });

  test("are not used up by replays, takeovers, reattached leases or claims whose answer nobody knows", () => {
    const { quota } = metered({ newRecordsPerSecond: 0.001, newRecordsBurst: 1 });
    for (const answer of [replayed, acquired("takeover"), acquired("retry"), acquired("reattached"), null]) {
      expect(times(5, () => claim(quota, answer))).toEqual(Array(5).fill("anything"));
    }
    expect(times(2, () => claim(quota))).toEqual(["anything", "existing QUOTA_NEW_RECORDS"]);
  });

  test("that were under way together and exceed the burst are paid back", () => {
    const { quota, pass } = metered({ newRecordsPerSecond: 1, newRecordsBurst: 1 });
    const underWay = Array.from({ length: 5 }, () => quota.reserve());
    for (const { settle } of underWay) settle(acquired());
    pass(4_999);
    expect(claim(quota)).toBe("existing QUOTA_NEW_RECORDS");
    pass(1);
    expect(claim(quota)).toBe("anything");
  });

  test("below one a second have a burst of one, others of a second's worth, unless told", () => {
    const slow = metered({ newRecordsPerSecond: 0.5 }).quota;
    expect(times(2, () => claim(slow))).toEqual(["anything", "existing QUOTA_NEW_RECORDS"]);
    const quick = metered({ newRecordsPerSecond: 5 }).quota;
    expect(times(6, () => claim(quick)).filter((word) => word === "anything")).toHaveLength(5);
  });
});

describe("leases", () => {
  test("are counted by what acquires and what ends, and stop takeovers too", () => {
    const { quota } = metered({ leases: 2 });
    expect(times(2, () => claim(quota, acquired("takeover")))).toEqual(["anything", "anything"]);
    expect(claim(quota)).toBe("nothing QUOTA_LEASES");
    quota.ended(ended(), 10);
    expect(times(2, () => claim(quota))).toEqual(["anything", "nothing QUOTA_LEASES"]);
  });

  test("are not freed by an end that was known before, or one whose lease was over", () => {
    const { quota } = metered({ leases: 1 });
    claim(quota);
    quota.ended(ended({ alreadyApplied: true }), 10);
    quota.ended(ended({ late: true }), 10);
    expect(claim(quota)).toBe("nothing QUOTA_LEASES");
  });
});

test("live records are those measured and those made since", () => {
  const { quota, pass } = metered({ liveRecords: 10n });
  quota.measured({ liveRecords: 8, storedBytes: 0, leases: 0 }, 0);
  expect(times(3, () => claim(quota))).toEqual(["anything", "anything", "existing QUOTA_LIVE_RECORDS"]);
  pass(1_000);
  quota.measured({ liveRecords: 9, storedBytes: 0, leases: 0 }, 500);
  expect(times(2, () => claim(quota))).toEqual(["anything", "existing QUOTA_LIVE_RECORDS"]);
});

test("stored bytes are those measured and those stored since", () => {
  const { quota } = metered({ storedBytes: 100n });
  quota.measured({ liveRecords: 0, storedBytes: 60, leases: 0 }, 0);
  quota.ended(ended(), 39);
  expect(claim(quota)).toBe("anything");
  quota.ended(ended({ alreadyApplied: true }), 1);
  expect(claim(quota)).toBe("anything");
  quota.ended(ended(), 1);
  expect(claim(quota)).toBe("existing QUOTA_BYTES");
});

test("what was used after the measurement began counts beside it, what was before does not", () => {
  const { quota, pass } = metered({ liveRecords: 5n });
  times(2, () => claim(quota));
  pass(10_000);
  times(2, () => claim(quota));
  pass(500);
  quota.measured({ liveRecords: 2, storedBytes: 0, leases: 0 }, 1_000);
  expect(times(2, () => claim(quota))).toEqual(["anything", "existing QUOTA_LIVE_RECORDS"]);
});

test("an old measurement takes nothing away of what was used since", () => {
  const { quota, pass } = metered({ liveRecords: 5n });
  times(4, () => claim(quota));
  pass(2_000);
  quota.measured({ liveRecords: 0, storedBytes: 0, leases: 0 }, 5_000);
  expect(times(2, () => claim(quota))).toEqual(["anything", "existing QUOTA_LIVE_RECORDS"]);
});

describe("claims under way", () => {
  test("may be as many as there is room for, and sixteen more: replays take no room from new work", () => {
    const { quota } = metered({ newRecordsPerSecond: 1, newRecordsBurst: 3 });
    const underWay = Array.from({ length: 19 }, () => quota.reserve());
    expect(underWay.every(({ mayAcquire }) => mayAcquire === "anything")).toBe(true);
    expect(quota.reserve()).toMatchObject({ mayAcquire: "existing", refusal: { retryAfterMs: 100 } });
    for (const { settle } of underWay) settle(replayed);
    expect(claim(quota)).toBe("anything");
  });

  test.each<[Partial<TenantLimits>, string]>([
    [{ leases: 2 }, "nothing QUOTA_LEASES"],
    [{ liveRecords: 2n }, "existing QUOTA_LIVE_RECORDS"],
  ])("exceed %o by sixteen at most", (limits, refused) => {
    const { quota } = metered(limits);
    const underWay = Array.from({ length: 1_000 }, () => quota.reserve());
    expect(underWay.filter(({ mayAcquire }) => mayAcquire === "anything")).toHaveLength(18);
    for (const { mayAcquire, settle } of underWay) settle(mayAcquire === "anything" ? acquired() : replayed);
    expect(claim(quota)).toBe(refused);
  });

  test("whose answer nobody knows are under way no more", () => {
    const { quota } = metered({ leases: 1 });
    for (let i = 0; i < 100; i++) quota.reserve().settle(null);
    expect(claim(quota)).toBe("anything");
  });
});

test("nobody is told to wait for longer than a minute", () => {
  const { quota } = metered({ newRecordsPerSecond: 0.001, newRecordsBurst: 1 });
  claim(quota);
  expect(quota.reserve().refusal?.retryAfterMs).toBe(60_000);
});

test("every refusal says what the tenant may have", () => {
  const { quota } = metered({ newRecordsPerSecond: 7, newRecordsBurst: 1 });
  claim(quota);
  expect(quota.reserve().refusal?.message).toBe("the tenant may make 7 new records a second here");
});
