import { describe, expect, test } from "vitest";
import {
  ClaimIntent,
  FailKind,
  FailReason,
  LeaseExpiryPolicy,
  RecordState,
  UnknownReason,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import { resetRecord } from "../../support/operating.ts";
import { DAY, NOW } from "../../support/records.ts";
import { acquire, type Bundle, bundle, claimOf, KEY, methods } from "./bundle.ts";

const HOLD = { policy: { onLeaseExpiry: LeaseExpiryPolicy.HOLD } };
const result = { body: { case: "inline" as const, value: Buffer.from("done") } };
const seconds = (instant: Instant) => ({ seconds: BigInt(Math.floor(instant / 1e6)) });
const stored = { tenant: "default", scope: "charge", key: "evt_1" };

const read = ({ call }: Bundle, more: object = {}) =>
  call(methods.getRecord, { key: KEY, includeResult: true, ...more });

/** Every time that says what comes next; a record shows those of its own state and no other. */
const TIMES = ["leaseExpireTime", "dueTime", "endTime", "resultExpireTime", "tombstoneExpireTime"] as const;

interface Case {
  readonly prepare: (own: Bundle) => Promise<unknown>;
  readonly state: RecordState;
  readonly shows: object;
  readonly times: readonly (typeof TIMES)[number][];
}

const ended = ["endTime", "resultExpireTime", "tombstoneExpireTime"] as const;

const cases: Readonly<Record<string, Case>> = {
  "in progress": {
    prepare: (own) => acquire(own),
    state: RecordState.IN_PROGRESS,
    shows: { attempt: 1, leaseExpireTime: seconds(addMs(NOW, 30_000)), createTime: seconds(NOW) },
    times: ["leaseExpireTime"],
  },
  "in progress, the lease over": {
    prepare: async (own) => {
      await acquire(own);
      own.pass(31_000);
    },
    state: RecordState.IN_PROGRESS,
    shows: { leaseExpireTime: seconds(addMs(NOW, 30_000)) },
    times: ["leaseExpireTime"],
  },
  "claimable from a due time on": {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, delay: { seconds: 60n } });
    },
    state: RecordState.AVAILABLE,
    shows: { dueTime: seconds(addMs(NOW, 60_000)), attempt: 1 },
    times: ["dueTime"],
  },
  "not started": {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED });
    },
    state: RecordState.AVAILABLE,
    shows: { attempt: 0 },
    times: ["dueTime"],
  },
  completed: {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.complete, { handle, result });
    },
    state: RecordState.COMPLETED,
    shows: {
      endTime: seconds(NOW),
      resultExpireTime: seconds(addMs(NOW, DAY)),
      tombstoneExpireTime: seconds(addMs(NOW, 2 * DAY)),
    },
    times: ended,
  },
  failed: {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.fail, { handle, kind: FailKind.TERMINAL });
    },
    state: RecordState.FAILED,
    shows: { failReason: FailReason.REPORTED },
    times: ended,
  },
  "of unknown outcome by lapse": {
    prepare: async (own) => {
      await acquire(own, HOLD);
      own.pass(30_000);
    },
    state: RecordState.OUTCOME_UNKNOWN,
    shows: { unknownReason: UnknownReason.LEASE_EXPIRED, policy: HOLD.policy, reconciling: false },
    times: [],
  },
  "of reported unknown outcome": {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.fail, { handle, kind: FailKind.OUTCOME_UNKNOWN });
    },
    state: RecordState.OUTCOME_UNKNOWN,
    shows: { unknownReason: UnknownReason.REPORTED },
    times: [],
  },
  "being reconciled": {
    prepare: async (own) => {
      await acquire(own, HOLD);
      own.pass(30_000);
      await acquire(own, { intent: ClaimIntent.RECONCILE });
    },
    state: RecordState.IN_PROGRESS,
    shows: { reconciling: true, attempt: 1, unknownReason: UnknownReason.UNSPECIFIED },
    times: ["leaseExpireTime"],
  },
  "left by a reconciler": {
    prepare: async (own) => {
      const { handle } = await acquire(own);
      await own.call(methods.fail, { handle, kind: FailKind.OUTCOME_UNKNOWN });
      await acquire(own, { intent: ClaimIntent.RECONCILE });
      own.pass(30_000);
    },
    state: RecordState.OUTCOME_UNKNOWN,
    shows: { unknownReason: UnknownReason.REPORTED, reconciling: false },
    times: [],
  },
  expired: {
    prepare: async (own) => {
      const { handle } = await acquire(own, { owner: { service: "billing" }, externalRef: "pay_1" });
      await own.call(methods.heartbeat, { handle, checkpoint: { sequence: 1n }, progress: { fraction: 1 } });
      await own.call(methods.complete, { handle, result });
      own.pass(DAY);
    },
    state: RecordState.EXPIRED,
    shows: { externalRef: "", metadata: {} },
    times: ended,
  },
  reset: {
    prepare: async (own) => {
      await acquire(own, HOLD);
      await resetRecord(own.store, stored, true);
    },
    state: RecordState.AVAILABLE,
    shows: { attempt: 0 },
    times: ["dueTime"],
  },
};

describe.each(Object.entries(cases))("a record that is %s", (name, { prepare, state, shows, times }) => {
  test("shows its state, and of the times only those that go with it", async () => {
    const own = bundle();
    await prepare(own);
    const { record } = await read(own);
    expect(record).toMatchObject({ key: stored, state, ...shows });
    expect(TIMES.filter((time) => record?.[time] !== undefined).toSorted()).toEqual([...times].toSorted());
    expect(record?.policy === undefined).toBe(name === "reset");
  });
});

test("an expired record shows nothing of what it held, whether or not the sweeper came", async () => {
  const own = bundle();
  await cases["expired"]?.prepare(own);
  const before = await read(own);
  await own.store.sweep(10);
  expect(await read(own)).toEqual(before);
  const { record } = before;
  expect([before.result, before.error, record?.owner, record?.checkpoint, record?.progress]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("a record shows what its holder said", async () => {
  const own = bundle();
  const said = { owner: { service: "billing", instance: "pod-7" }, metadata: { order: "7" }, externalRef: "pay_1" };
  const { handle, lease } = await acquire(own, said);
  await own.call(methods.heartbeat, {
    handle,
    checkpoint: { name: "half", sequence: 2n, data: Buffer.from("state") },
    progress: { fraction: 0.5, message: "half" },
  });
  const { record } = await read(own);
  expect(record).toMatchObject({
    ...said,
    fence: lease?.fence,
    checkpoint: { name: "half", sequence: 2n },
    progress: { fraction: 0.5, message: "half" },
    policy: {
      onLeaseExpiry: LeaseExpiryPolicy.REACQUIRE,
      maxAttempts: 0,
      resultRetention: { seconds: 86_400n },
      tombstoneRetention: { seconds: 86_400n },
    },
  });
  expect(record?.policy?.maxExecution).toBeUndefined();
});

describe("the result or the error", () => {
  test("comes when asked for", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result });
    expect((await read(own)).result?.body).toEqual({ case: "inline", value: new Uint8Array(result.body.value) });
    const without = await read(own, { includeResult: false });
    expect([without.result, without.error]).toEqual([undefined, undefined]);
  });

  test("is that of the last attempt which reported one", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    expect((await read(own)).error).toBeUndefined();
    await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, error: { message: "busy" } });
    expect((await read(own)).error).toMatchObject({ message: "busy" });
    await acquire(own);
    expect((await read(own)).error).toMatchObject({ message: "busy" });
  });
});

describe("a fingerprint", () => {
  const payload = (fill: number) => ({ fingerprint: { algorithm: "sha-256", digest: new Uint8Array(32).fill(fill) } });

  test("is compared unless empty", async () => {
    const own = bundle();
    await acquire(own, payload(1));
    await read(own);
    await read(own, payload(1));
    const sent = await own.failure(methods.getRecord, { key: KEY, ...payload(2) });
    expect(sent).toMatchObject({ reason: "FINGERPRINT_MISMATCH", fields: {} });
  });

  test("is not compared with a record that a reset has unbound", async () => {
    const own = bundle();
    await acquire(own, payload(1));
    await resetRecord(own.store, stored, true);
    expect((await read(own, payload(2))).record?.state).toBe(RecordState.AVAILABLE);
  });
});

test("an absent record is not found, and reading makes none", async () => {
  const own = bundle();
  expect((await own.failure(methods.getRecord, { key: KEY })).reason).toBe("RECORD_NOT_FOUND");
  expect((await own.failure(methods.getRecord, { key: KEY })).reason).toBe("RECORD_NOT_FOUND");
  expect((await own.call(methods.claim, claimOf())).detail.case).toBe("acquired");
});
