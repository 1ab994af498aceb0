import { isMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { QuotaFailureSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { plainTenant, type TenantLimits, UNLIMITED } from "../../../src/domain/tenant.ts";
import { createMeteredQuota } from "../../../src/tenants/quota/metered.ts";
import { acquire, bundle, claimOf, detailOf, KEY, methods, resultOf, type WireError } from "../rpc/bundle.ts";

/** A server for one tenant with these limits, whose clock stands still. */
function limited(change: Partial<TenantLimits>) {
  const limits = { ...UNLIMITED, ...change };
  const quota = createMeteredQuota({ limits, clock: { monotonicMs: () => 0 } });
  const tenant = { ...plainTenant("default"), limits };
  return bundle({
    tenants: (runtime) => ({
      enter: async () => ({ tenant, runtime: { ...runtime, quota } }),
      find: async () => tenant.id,
    }),
  });
}

const keyed = (key: string) => ({ key: { ...KEY, key } });

function subjectsOf({ thrown }: WireError): readonly string[] {
  const failures = thrown.details.map(({ message }) => message).filter((each) => isMessage(each, QuotaFailureSchema));
  return failures.flatMap(({ violations }) => violations.map(({ subject }) => subject));
}

describe("a tenant out of new records", () => {
  test("is told which limit, and when to come back", async () => {
    const own = limited({ newRecordsPerSecond: 0.5 });
    await acquire(own);
    const refused = await own.failure(methods.claim, claimOf(keyed("evt_2")));
    expect(refused).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "QUOTA_NEW_RECORDS" });
    expect(refused.retryMs).toBe(2_500); // Two seconds, and a quarter more: the half of what may be added.
    expect(subjectsOf(refused)).toEqual(["tenant:new_records"]);
    expect((await own.failure(methods.getRecord, keyed("evt_2"))).reason).toBe("RECORD_NOT_FOUND");
  });

  test("gets every replay, reattaches, ends what it holds, and takes over", async () => {
    const own = limited({ newRecordsPerSecond: 0.001, newRecordsBurst: 2 });
    const { handle } = await acquire(own);
    const held = claimOf(keyed("held"));
    detailOf(await own.call(methods.claim, held), "acquired");
    await own.call(methods.complete, { handle, result: resultOf("done") });
    for (let i = 0; i < 20; i++) detailOf(await own.call(methods.claim, claimOf()), "completed");
    detailOf(await own.call(methods.claim, held), "acquired");
    detailOf(await own.call(methods.claim, claimOf(keyed("held"))), "inProgress");
    own.pass(30_001); // A reattached lease ends later than before, if only by a microsecond.
    detailOf(await own.call(methods.claim, claimOf(keyed("held"))), "acquired");
    expect((await own.failure(methods.claim, claimOf(keyed("new")))).reason).toBe("QUOTA_NEW_RECORDS");
  });
});

test.each<[Partial<TenantLimits>, string]>([
  [{ liveRecords: 1n }, "QUOTA_LIVE_RECORDS"],
  [{ storedBytes: 1n }, "QUOTA_BYTES"],
  [{ leases: 1 }, "QUOTA_LEASES"],
])("a tenant at its limit %o acquires no new record, and is told %s", async (limits, reason) => {
  const own = limited(limits);
  const { handle } = await acquire(own);
  if (reason !== "QUOTA_LEASES") await own.call(methods.complete, { handle, result: resultOf("done") });
  const refused = await own.failure(methods.claim, claimOf(keyed("evt_2")));
  expect(refused).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason });
  expect(refused.retryMs).toBeGreaterThan(0);
  expect(subjectsOf(refused)).toEqual([`tenant:${reason.slice("QUOTA_".length).toLowerCase()}`]);
});

test("a lease that ends makes room for the next", async () => {
  const own = limited({ leases: 1 });
  const { handle } = await acquire(own);
  expect((await own.failure(methods.claim, claimOf(keyed("evt_2")))).reason).toBe("QUOTA_LEASES");
  await own.call(methods.complete, { handle, result: resultOf("done") });
  await acquire(own, keyed("evt_2"));
});

test("a claim that nobody answers uses nothing", async () => {
  const own = limited({ leases: 1 });
  const { store } = own;
  const claim = store.claim;
  Object.assign(store, { claim: () => Promise.reject(new Error("away")) });
  await own.failure(methods.claim, claimOf());
  Object.assign(store, { claim });
  await acquire(own);
});
