import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AcquireReason,
  FailKind,
  FailReason,
  RecordState,
  ResultSchema,
  ReusePolicy,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import { DAY, NOW } from "../../support/records.ts";
import { acquire, type Bundle, bundle, claimOf, detailOf, methods, resultOf, seconds } from "./bundle.ts";

const at = (instant: Instant) => expect.objectContaining({ seconds: BigInt(Math.floor(instant / 1e6)) });

const claim = ({ call }: Bundle, more: Parameters<typeof claimOf>[0] = {}) => call(methods.claim, claimOf(more));

describe("a key that has ended", () => {
  test("replays its result byte by byte", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const result = {
      ...resultOf("\u0000\u00ff bytes"),
      contentType: "application/octet-stream",
      metadata: Object.fromEntries([
        ["z", "1"],
        ["a", "2"],
        ["__proto__", "3"],
        ["10", "4"],
      ]),
    };
    const sent = { handle, result };
    await own.call(methods.complete, sent);
    own.pass(1000);
    const [one, two] = [detailOf(await claim(own), "completed"), detailOf(await claim(own), "completed")];
    expect(one.result?.body).toEqual({ case: "inline", value: new Uint8Array(result.body.value) });
    expect(one.result?.contentType).toBe(result.contentType);
    expect(Object.entries(one.result?.metadata ?? {}).toSorted()).toEqual(Object.entries(result.metadata).toSorted());
    if (one.result === undefined || two.result === undefined) throw new Error("no result");
    expect(toBinary(ResultSchema, one.result)).toEqual(toBinary(ResultSchema, two.result));
    expect(one).toMatchObject({ attempt: 1, endTime: at(NOW), resultExpireTime: at(addMs(NOW, DAY)) });
  });

  test.each([
    ["an empty body", { case: "inline" as const, value: new Uint8Array() }],
    ["a reason for no body", { case: "omittedReason" as const, value: "" }],
    ["a reference", { case: "reference" as const, value: { uri: "s3://b/k", sizeBytes: 5n } }],
  ])("replays %s as what it is", async (_, body) => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: { body } });
    expect(detailOf(await claim(own), "completed").result?.body).toMatchObject(body);
  });

  test("replays its error, and is claimed again by who asks for that", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const error = { code: 9, message: "card declined", details: [{ typeUrl: "t/x", value: Buffer.from("d") }] };
    await own.call(methods.fail, { handle, kind: FailKind.TERMINAL, error });
    expect(detailOf(await claim(own), "failed")).toMatchObject({
      error: { code: 9, message: "card declined", details: [{ typeUrl: "t/x" }] },
      reason: FailReason.REPORTED,
      attempt: 1,
      endTime: at(NOW),
    });
    const again = detailOf(await claim(own, { reuse: ReusePolicy.RETRY_FAILED }), "acquired");
    expect(again).toMatchObject({ reason: AcquireReason.RETRY, previousError: { message: "card declined" } });
  });

  test("failed without any error has none", async () => {
    const own = bundle();
    const policy = { maxAttempts: 1 };
    await acquire(own, { policy });
    own.pass(30_000);
    const told = detailOf(await claim(own, { policy }), "failed");
    expect(told).toMatchObject({ reason: FailReason.MAX_ATTEMPTS, attempt: 1 });
    expect(told.error).toBeUndefined();
  });

  test("is expired once its result is, and says until when a second run is refused", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: resultOf("done") });
    own.pass(DAY);
    expect(detailOf(await claim(own), "expired")).toMatchObject({
      terminalState: RecordState.COMPLETED,
      endTime: at(NOW),
      tombstoneExpireTime: at(addMs(NOW, 2 * DAY)),
    });
    own.pass(DAY);
    expect(detailOf(await claim(own), "acquired").reason).toBe(AcquireReason.NEW);
  });

  test("is an error for who rejects any record", async () => {
    const own = bundle();
    await acquire(own);
    expect(await own.failure(methods.claim, claimOf({ reuse: ReusePolicy.REJECT }))).toMatchObject({
      reason: "RECORD_EXISTS",
      retryMs: null,
    });
  });
});

test("a key that will be tried again says when, and what went wrong", async () => {
  const own = bundle();
  const { handle } = await acquire(own);
  await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, delay: seconds(100), error: { message: "busy" } });
  expect(detailOf(await claim(own), "retryScheduled")).toMatchObject({
    dueTime: at(addMs(NOW, 100_000)),
    retryAfter: { seconds: 101n, nanos: 500_000_000 },
    lastError: { message: "busy" },
    attempt: 1,
  });
  own.pass(100_000);
  expect(detailOf(await claim(own), "acquired")).toMatchObject({
    reason: AcquireReason.RETRY,
    previousError: { message: "busy" },
    lease: { attempt: 2 },
  });
});

describe("another payload under the same key", () => {
  const payload = (fill: number) => ({ fingerprint: { algorithm: "sha-256", digest: new Uint8Array(32).fill(fill) } });

  test.each<[string, (own: Bundle) => Promise<unknown>]>([
    ["live", (own) => acquire(own, payload(1))],
    [
      "completed",
      async (own) => {
        const { handle } = await acquire(own, payload(1));
        await own.call(methods.complete, { handle, result: resultOf("done") });
      },
    ],
    [
      "released",
      async (own) => {
        const { handle } = await acquire(own, payload(1));
        await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED });
      },
    ],
    [
      "expired",
      async (own) => {
        const { handle } = await acquire(own, payload(1));
        await own.call(methods.complete, { handle, result: resultOf("done") });
        own.pass(DAY);
      },
    ],
  ])("is a mismatch while the record is %s, and tells nothing of it", async (_, prepare) => {
    const own = bundle();
    await prepare(own);
    for (const other of [payload(2), {}]) {
      const sent = await own.failure(methods.claim, claimOf(other));
      expect(sent).toMatchObject({ reason: "FINGERPRINT_MISMATCH", retryMs: null, fields: {} });
    }
  });

  test("is other work once the tombstone is gone", async () => {
    const own = bundle();
    const { handle } = await acquire(own, payload(1));
    await own.call(methods.complete, { handle, result: resultOf("done") });
    own.pass(2 * DAY);
    expect(detailOf(await claim(own, payload(2)), "acquired").reason).toBe(AcquireReason.NEW);
  });
});
