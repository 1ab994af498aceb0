import { describe, expect, test } from "vitest";
import { FailKind, RecordState } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { toTimestamp } from "../../../src/rpc/wire/time.ts";
import { NOW } from "../../support/records.ts";
import { acquire, bundle, methods, reconcile, resultOf, seconds } from "./bundle.ts";

const secondsOf = (micros: number) => BigInt(Math.floor(micros / 1e6));

describe("Fail", () => {
  test.each<[string, FailKind, RecordState]>([
    ["RETRYABLE", FailKind.RETRYABLE, RecordState.AVAILABLE],
    ["TERMINAL", FailKind.TERMINAL, RecordState.FAILED],
    ["OUTCOME_UNKNOWN", FailKind.OUTCOME_UNKNOWN, RecordState.OUTCOME_UNKNOWN],
    ["NOT_STARTED", FailKind.NOT_STARTED, RecordState.AVAILABLE],
  ])("of kind %s leaves the record as it says, and again is the same call", async (_, kind, state) => {
    const own = bundle();
    const { handle } = await acquire(own);
    const first = await own.call(methods.fail, { handle, kind, error: { code: 13, message: "no" } });
    expect(first).toMatchObject({ state, alreadyApplied: false, late: false });
    expect(first.dueTime !== undefined).toBe(state === RecordState.AVAILABLE);
    if (kind !== FailKind.OUTCOME_UNKNOWN) {
      const again = await own.call(methods.fail, { handle, kind, error: { code: 13, message: "no" } });
      expect(again).toMatchObject({ state, alreadyApplied: true });
    }
  });

  test("makes the record claimable from its delay on", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const { dueTime } = await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED, delay: seconds(60) });
    expect(dueTime?.seconds).toBe(secondsOf(addMs(NOW, 60_000)));
  });

  test.each([
    ["another delay", { kind: FailKind.RETRYABLE, delay: seconds(61) }],
    ["another kind", { kind: FailKind.NOT_STARTED, delay: seconds(60) }],
    ["an empty error", { kind: FailKind.RETRYABLE, delay: seconds(60), error: {} }],
  ])("again with %s is another call", async (_, other) => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, delay: seconds(60) });
    expect((await own.failure(methods.fail, { handle, ...other })).reason).toBe("INVALID_STATE");
    expect((await own.failure(methods.complete, { handle, result: resultOf("done") })).reason).toBe("INVALID_STATE");
  });

  test("with a delay beyond the record's own retention is out of range", async () => {
    const own = bundle();
    const { handle } = await acquire(own, { policy: { resultRetention: seconds(60) } });
    const sent = await own.failure(methods.fail, { handle, kind: FailKind.RETRYABLE, delay: seconds(61) });
    expect(sent).toMatchObject({ reason: "DURATION_OUT_OF_RANGE", retryMs: null });
    expect(Object.keys(sent.fields)).toEqual(["delay"]);
  });

  test("with an error that is too large keeps the lease", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const large = { message: "e".repeat(1 << 20) };
    const sent = await own.failure(methods.fail, { handle, kind: FailKind.TERMINAL, error: large });
    expect(sent.reason).toBe("ERROR_TOO_LARGE");
    expect(await own.call(methods.fail, { handle, kind: FailKind.TERMINAL })).toMatchObject({ late: false });
  });

  test("not started is not counted", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED });
    expect((await acquire(own)).lease?.attempt).toBe(1);
  });

  test("of the reconciler gives the record back, and the suspect's late end is refused", async () => {
    const own = bundle();
    const { suspect, reconciler } = await reconcile(own);
    const verdict = await own.call(methods.fail, { handle: reconciler.handle, kind: FailKind.NOT_STARTED });
    expect(verdict).toMatchObject({ state: RecordState.AVAILABLE });
    const dead = await own.failure(methods.complete, { handle: suspect.handle, result: resultOf("done") });
    expect(dead.reason).toBe("LEASE_SUPERSEDED");
    expect((await acquire(own)).lease?.attempt).toBe(1);
  });

  test("leaves a checkpoint for the next attempt, with the time of the database and not the caller's", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const checkpoint = { name: "half", sequence: 3n, recordTime: { seconds: 1n } };
    await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, checkpoint });
    const { lastCheckpoint } = await acquire(own);
    expect(lastCheckpoint).toMatchObject({ name: "half", sequence: 3n });
    expect(lastCheckpoint?.recordTime).toEqual(toTimestamp(NOW));
  });
});
