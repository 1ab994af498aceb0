import { describe, expect, test } from "vitest";
import { FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { DAY, NOW } from "../../support/records.ts";
import { acquire, bundle, methods, reconcile, resultOf, takeOver } from "./bundle.ts";

const secondsOf = (micros: number) => BigInt(Math.floor(micros / 1e6));

describe("Complete", () => {
  test("ends the record and says until when the result is replayed", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    expect(await own.call(methods.complete, { handle, result: resultOf("done") })).toMatchObject({
      alreadyApplied: false,
      late: false,
      resultExpireTime: { seconds: secondsOf(addMs(NOW, DAY)) },
    });
    expect(own.observed.ends).toEqual(["complete"]);
  });

  test("again is the same call, whatever the order of its metadata", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: { ...resultOf("done"), metadata: { a: "1", b: "2" } } });
    const again = await own.call(methods.complete, {
      handle,
      result: { ...resultOf("done"), metadata: { b: "2", a: "1" } },
    });
    expect(again).toMatchObject({ alreadyApplied: true, resultExpireTime: { seconds: secondsOf(addMs(NOW, DAY)) } });
  });

  test.each([
    ["another body", resultOf("other")],
    ["another content type", { ...resultOf("done"), contentType: "text/plain" }],
    ["other metadata", { ...resultOf("done"), metadata: { a: "1" } }],
    ["no body but a reason", { body: { case: "omittedReason" as const, value: "done" } }],
  ])("again with %s is a conflict", async (_, other) => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: resultOf("done") });
    expect((await own.failure(methods.complete, { handle, result: other })).reason).toBe("RESULT_CONFLICT");
  });

  test("after the lease is over is late, and accepted", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    own.pass(31_000);
    expect(await own.call(methods.complete, { handle, result: resultOf("done") })).toMatchObject({ late: true });
  });

  test("after a takeover is superseded, and the new holder's is accepted", async () => {
    const own = bundle();
    const { first, second } = await takeOver(own);
    const sent = await own.failure(methods.complete, { handle: first.handle, result: resultOf("done") });
    expect(sent).toMatchObject({ reason: "LEASE_SUPERSEDED", retryMs: null });
    expect(await own.call(methods.complete, { handle: second.handle, result: resultOf("done") })).toMatchObject({
      late: false,
    });
  });

  test("with a result that is too large keeps the lease", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    const large = { body: { case: "inline" as const, value: new Uint8Array((1 << 20) + 1) } };
    expect((await own.failure(methods.complete, { handle, result: large })).reason).toBe("RESULT_TOO_LARGE");
    await own.call(methods.heartbeat, { handle });
    const reference = { body: { case: "reference" as const, value: { uri: "s3://bucket/key", sizeBytes: 1n << 20n } } };
    expect(await own.call(methods.complete, { handle, result: reference })).toMatchObject({ late: false });
  });

  test("of an absent record is not found", async () => {
    const own = bundle();
    const { handle } = await acquire(bundle());
    expect((await own.failure(methods.complete, { handle, result: resultOf("done") })).reason).toBe("RECORD_NOT_FOUND");
  });

  test("of the suspect is late and accepted while a reconciler looks, and the reconciler is superseded", async () => {
    const own = bundle();
    const { suspect, reconciler } = await reconcile(own);
    const late = await own.call(methods.complete, { handle: suspect.handle, result: resultOf("done") });
    expect(late).toMatchObject({ late: true, alreadyApplied: false });
    const wrong = await own.failure(methods.fail, { handle: reconciler.handle, kind: FailKind.NOT_STARTED });
    expect(wrong.reason).toBe("LEASE_SUPERSEDED");
  });

  test("of the reconciler ends the record", async () => {
    const own = bundle();
    const { suspect, reconciler } = await reconcile(own);
    expect(reconciler.lease?.attempt).toBe(1);
    expect(await own.call(methods.complete, { handle: reconciler.handle, result: resultOf("done") })).toMatchObject({
      late: false,
    });
    expect((await own.failure(methods.complete, { handle: suspect.handle, result: resultOf("other") })).reason).toBe(
      "LEASE_SUPERSEDED",
    );
  });
});

describe("a token", () => {
  test.each<[string, (token: Uint8Array, fence: bigint) => { token: Uint8Array; fence: bigint }, string]>([
    ["of zeros", (_, fence) => ({ token: new Uint8Array(16), fence }), "LEASE_TOKEN_INVALID"],
    ["with a lower fence", (token, fence) => ({ token, fence: fence - 1n }), "LEASE_SUPERSEDED"],
    ["with a higher fence", (token, fence) => ({ token, fence: fence + 1n }), "LEASE_TOKEN_INVALID"],
    ["with the highest fence", (token) => ({ token, fence: 2n ** 63n - 1n }), "LEASE_TOKEN_INVALID"],
  ])("%s is refused by every call", async (_, change, reason) => {
    const own = bundle();
    const { handle } = await acquire(own);
    const wrong = { key: handle.key ?? {}, ...change(handle.token, handle.fence) };
    expect((await own.failure(methods.heartbeat, { handle: wrong })).reason).toBe(reason);
    expect((await own.failure(methods.complete, { handle: wrong, result: resultOf("done") })).reason).toBe(reason);
    expect((await own.failure(methods.fail, { handle: wrong, kind: FailKind.TERMINAL })).reason).toBe(reason);
  });
});
