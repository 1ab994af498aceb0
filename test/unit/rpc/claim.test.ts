import { describe, expect, test } from "vitest";
import {
  AcquireReason,
  ClaimIntent,
  LeaseExpiryPolicy,
  UnknownReason,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { NOW } from "../../support/records.ts";
import { acquire, type Bundle, bundle, claimOf, detailOf, HOLD, KEY, methods, resultOf, seconds } from "./bundle.ts";

const claim = ({ call }: Bundle, more: Parameters<typeof claimOf>[0] = {}) => call(methods.claim, claimOf(more));

describe("a fresh key", () => {
  test("is acquired, with a lease of 30 s and everything needed to hold it", async () => {
    const own = bundle();
    const { lease, reason, lastCheckpoint, previousError } = await acquire(own);
    expect(reason).toBe(AcquireReason.NEW);
    expect(lease).toMatchObject({
      handle: { key: { tenant: "default", scope: "charge", key: "evt_1" }, fence: lease?.fence },
      attempt: 1,
      expireTime: { seconds: BigInt(addMs(NOW, 30_000) / 1e6), nanos: 0 },
      remaining: { seconds: 30n, nanos: 0 },
      waited: { seconds: 0n, nanos: 0 },
      heartbeatInterval: { seconds: 10n, nanos: 0 },
    });
    expect(lease?.handle?.token).toHaveLength(16);
    expect(lease?.fence).toBeGreaterThan(0n);
    expect([lastCheckpoint, previousError]).toEqual([undefined, undefined]);
  });

  test("is told the lease it asked for", async () => {
    const { lease } = await acquire(bundle(), { lease: seconds(120) });
    expect(lease).toMatchObject({ remaining: { seconds: 120n }, heartbeatInterval: { seconds: 40n } });
  });

  test("is not found by a reconciler", async () => {
    const sent = await bundle().failure(methods.claim, claimOf({ intent: ClaimIntent.RECONCILE }));
    expect(sent.reason).toBe("RECORD_NOT_FOUND");
  });

  test("is one key, however like another it looks", async () => {
    const own = bundle();
    const pairs = [
      ["a", "b\u001ec"],
      ["a\u001eb", "c"],
      ["é", "k"],
      ["e\u0301", "k"],
      ["K", "k"],
      ["\u212a", "k"],
      ["k ", "k"],
      ["__proto__", "toString"],
    ];
    for (const [scope = "", key = ""] of pairs) {
      expect(detailOf(await claim(own, { key: { scope, key } }), "acquired").reason).toBe(AcquireReason.NEW);
    }
  });
});

describe("a key that somebody else holds", () => {
  test("is in progress: who, since when, how far, and when to ask again", async () => {
    const own = bundle();
    const { handle } = await acquire(own, { owner: { service: "billing", instance: "pod-7" } });
    await own.call(methods.heartbeat, { handle, progress: { fraction: 0.5, message: "half" } });
    own.pass(10_000);
    const told = detailOf(await claim(own, { wait: seconds(30) }), "inProgress");
    expect(told).toMatchObject({
      owner: { service: "billing", instance: "pod-7" },
      attempt: 1,
      attemptStartTime: { seconds: BigInt(NOW / 1e6) },
      leaseExpireTime: { seconds: BigInt(addMs(NOW, 30_000) / 1e6) },
      progress: { fraction: 0.5, message: "half" },
      retryAfter: { seconds: 21n, nanos: 0 },
    });
    expect(own.observed.claims).toEqual(["acquired new", "in-progress"]);
  });

  test("gives the same lease to the same claim_id, renewed", async () => {
    const own = bundle();
    const request = claimOf();
    const first = detailOf(await own.call(methods.claim, request), "acquired");
    own.pass(5_000);
    const second = detailOf(await own.call(methods.claim, request), "acquired");
    expect(second.reason).toBe(AcquireReason.REATTACHED);
    expect(second.lease?.handle).toEqual(first.lease?.handle);
    expect(second.lease?.expireTime?.seconds).toBe((first.lease?.expireTime?.seconds ?? 0n) + 5n);
  });

  test("is taken over once the lease is over, with what the last attempt left behind", async () => {
    const own = bundle();
    const { handle, lease } = await acquire(own);
    await own.call(methods.heartbeat, {
      handle,
      checkpoint: { name: "step 1", sequence: 1n, data: Buffer.from("state") },
    });
    own.pass(30_000);
    const next = detailOf(await claim(own), "acquired");
    expect(next.reason).toBe(AcquireReason.TAKEOVER);
    expect(next.lease?.attempt).toBe(2);
    expect(next.lease?.fence).toBeGreaterThan(lease?.fence ?? 0n);
    expect(next.lastCheckpoint).toMatchObject({
      name: "step 1",
      sequence: 1n,
      data: new Uint8Array(Buffer.from("state")),
    });
  });

  test("with HOLD is an unknown outcome once the lease is over, with the evidence", async () => {
    const own = bundle();
    await acquire(own, { ...HOLD, owner: { service: "billing" }, externalRef: "pay_1" });
    own.pass(31_000);
    expect(detailOf(await claim(own, HOLD), "outcomeUnknown")).toMatchObject({
      reason: UnknownReason.LEASE_EXPIRED,
      since: { seconds: BigInt(addMs(NOW, 30_000) / 1e6) },
      lastOwner: { service: "billing" },
      attempt: 1,
      externalRef: "pay_1",
    });
  });
});

describe("the policy", () => {
  test("of the first claim holds, and a later one that differs is told so", async () => {
    const own = bundle();
    await acquire(own, HOLD);
    expect((await claim(own, HOLD)).policyDiffers).toBe(false);
    expect((await claim(own)).policyDiffers).toBe(true);
  });

  test("that spells the defaults out is the default one", async () => {
    const own = bundle();
    await acquire(own);
    const spelled = {
      onLeaseExpiry: LeaseExpiryPolicy.REACQUIRE,
      resultRetention: seconds(86_400),
      tombstoneRetention: seconds(86_400),
    };
    expect((await claim(own, { policy: spelled, intent: ClaimIntent.EXECUTE })).policyDiffers).toBe(false);
  });

  test("of a longest execution cuts the lease", async () => {
    const { lease } = await acquire(bundle(), { policy: { maxExecution: seconds(5) } });
    expect(lease?.remaining).toMatchObject({ seconds: 5n });
  });
});

describe("a server that drains", () => {
  const draining = () => new Fault("DRAINING", "this server shuts down");

  test("refuses what would acquire, with when to come back", async () => {
    const sent = await bundle({ admission: draining }).failure(methods.claim, claimOf());
    expect(sent.reason).toBe("DRAINING");
    expect(sent.retryMs).toBeGreaterThan(0);
  });

  test("still reattaches, replays, extends and ends", async () => {
    let drains = false;
    const own = bundle({ admission: () => (drains ? draining() : null) });
    const request = claimOf();
    const { lease } = detailOf(await own.call(methods.claim, request), "acquired");
    if (lease?.handle === undefined) throw new Error("no handle");
    drains = true;
    expect(detailOf(await own.call(methods.claim, request), "acquired").reason).toBe(AcquireReason.REATTACHED);
    await own.call(methods.heartbeat, { handle: lease.handle });
    await own.call(methods.complete, { handle: lease.handle, result: resultOf("done") });
    detailOf(await claim(own), "completed");
    expect((await own.failure(methods.claim, claimOf({ key: { ...KEY, key: "evt_2" } }))).reason).toBe("DRAINING");
  });
});
