import { type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { ClaimIntent, FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { credentialsInvalid } from "../../../src/auth/credentials-invalid.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { type BundleOptions, bundle, claimOf, KEY, methods, resultOf, seconds } from "./bundle.ts";
import { answerAs, cancel, claim, codeOf, complete, heartbeat, holding, openStand } from "./session-stand.ts";

const handle = { key: KEY, token: new Uint8Array(16), fence: 1n };

const REFUSED = {
  "a claim without a key": { case: "claim", value: { claimId: "x".repeat(16) } },
  "a claim with several things wrong": { case: "claim", value: { key: KEY, claimId: "x", lease: seconds(-1) } },
  "a lease that is too long": { case: "claim", value: claimOf({ lease: seconds(3601) }) },
  "a wait that is none": { case: "claim", value: claimOf({ wait: { seconds: 1n, nanos: -1 } }) },
  "a wait with RECONCILE": { case: "claim", value: claimOf({ wait: seconds(5), intent: ClaimIntent.RECONCILE }) },
  "an unknown tenant": { case: "claim", value: claimOf({ key: { ...KEY, tenant: "nobody" } }) },
  "a heartbeat of no record": { case: "heartbeat", value: { handle } },
  "a complete without a result": { case: "complete", value: { handle } },
  "a complete of no record": { case: "complete", value: { handle, result: resultOf("x") } },
  "a result that is too large": { case: "complete", value: { handle, result: resultOf("x".repeat(1048577)) } },
  "a fail without a kind": { case: "fail", value: { handle } },
  "a fail of no record": { case: "fail", value: { handle, kind: FailKind.TERMINAL } },
} as const;

/** The same on every server of this test. */
const SERVERS: Readonly<Record<string, BundleOptions>> = {
  "that serves": {},
  "that drains": { admission: () => new Fault("DRAINING", "another one answers") },
  "whose caller is nobody": { authenticator: { authenticate: async () => Promise.reject(credentialsInvalid()) } },
};

describe.each(Object.entries(SERVERS))("on a server %s", (_name, options) => {
  test.each(Object.entries(REFUSED))("%s is answered as the unary call is", async (_what, call) => {
    const stand = openStand(options);
    await stand.send({ id: 5n, call });
    const unary = await bundle(options).failure(methods[call.case] as DescMethodUnary, call.value as never);
    const error = answerAs(stand.answer(5n), "error");
    expect(Buffer.from(toBinary(StatusSchema, error))).toEqual(Buffer.from(unary.thrown.status));
    expect(stand.line.ended).toBeUndefined();
  });
});

describe("a message of a session", () => {
  test("without a call is answered what may be called", async () => {
    const stand = openStand();
    await stand.send({ id: 9n });
    const { code, message } = answerAs(stand.answer(9n), "error");
    expect(code).toBe(Code.INVALID_ARGUMENT);
    expect(message).toBe("call must be set, to one of claim, heartbeat, complete, fail, cancel");
  });

  test.each([
    ["negative", seconds(-1)],
    ["negative by its nanos", { seconds: 0n, nanos: -1 }],
    ["of two signs", { seconds: 1n, nanos: -1 }],
    ["longer than a Duration", { seconds: 400_000_000_000n, nanos: 0 }],
  ])("with a timeout that is %s is answered what is allowed, and has no effect", async (_what, timeout) => {
    const stand = openStand();
    await stand.send({ id: 9n, timeout, call: claim() });
    const { code, message } = answerAs(stand.answer(9n), "error");
    expect(code).toBe(Code.INVALID_ARGUMENT);
    expect(message).toBe("timeout must be a duration of 0s or more");
    await stand.send({ id: 10n, call: claim() });
    expect(answerAs(stand.answer(10n), "claim").detail).toMatchObject({ case: "acquired", value: { reason: 1 } });
  });

  test("with a timeout of 0 is answered DEADLINE_EXCEEDED", async () => {
    const stand = openStand();
    await stand.send({ id: 9n, timeout: seconds(0), call: claim() });
    expect(codeOf(stand.answer(9n))).toBe(Code.DEADLINE_EXCEEDED);
  });

  test("with a timeout longer than any timer is answered when there is something to say", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 9n, timeout: seconds(300_000_000_000), call: claim({ wait: seconds(50) }) });
    await stand.send({ id: 10n, call: complete(lease) });
    expect(answerAs(stand.answer(9n), "claim").detail.case).toBe("completed");
  });

  test("that waits is answered DEADLINE_EXCEEDED when its timeout has passed, or the stream's deadline if that is sooner", async () => {
    const first = openStand();
    await holding(first);
    await first.send({ id: 9n, timeout: seconds(5), call: claim({ wait: seconds(50) }) });
    await first.clock.advance(4_999);
    expect(first.answers(9n)).toEqual([]);
    await first.clock.advance(20);
    expect(codeOf(first.answer(9n))).toBe(Code.DEADLINE_EXCEEDED);

    const second = openStand({ context: { deadline: first.clock.monotonicMs() } });
    expect(second.clock.monotonicMs()).toBeLessThan(first.clock.monotonicMs());
    await holding(second);
    await second.send({ id: 9n, timeout: seconds(60), call: claim({ wait: seconds(50) }) });
    await second.clock.advance(5_030);
    expect(codeOf(second.answer(9n))).toBe(Code.DEADLINE_EXCEEDED);
  });
});

describe("a cancel", () => {
  test("ends a claim that waits, which is answered CANCELLED", async () => {
    const stand = openStand();
    await holding(stand);
    await stand.send({ id: 2n, call: claim({ wait: seconds(50) }) });
    await stand.send({ id: 2n, call: cancel });
    expect(codeOf(stand.answer(2n))).toBe(Code.CANCELLED);
    await stand.send({ id: 2n, call: cancel });
    expect(stand.answers(2n)).toHaveLength(1);
  });

  test("right behind its claim finds it", async () => {
    const stand = openStand();
    await holding(stand);
    await Promise.all([
      stand.send({ id: 2n, call: claim({ wait: seconds(50) }) }),
      stand.send({ id: 2n, call: cancel }),
    ]);
    expect(codeOf(stand.answer(2n))).toBe(Code.CANCELLED);
  });

  test("does nothing to a call that is not known or was answered", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 1n, call: cancel });
    await stand.send({ id: 77n, call: cancel });
    await stand.send({ id: 2n, call: heartbeat(lease) });
    expect(stand.line.sent.map(({ id }) => id)).toEqual([0n, 1n, 2n]);
  });
});

describe("a stream ends with INVALID_ARGUMENT, and what is open is lost,", () => {
  test.each([
    ["an id of 0", { id: 0n, call: claim() }, "id must be 1 or more"],
    ["a cancel of the id 0", { id: 0n, call: cancel }, "id must be 1 or more"],
    [
      "an id that is open",
      { id: 2n, call: claim() },
      "id must not be the id of a call that is still open on this stream",
    ],
    [
      "bytes that are no message",
      Buffer.from("canary"),
      "a message of the stream could not be decoded as holdfast.v1.SessionRequest",
    ],
  ])("by %s", async (_what, message, text) => {
    const stand = openStand();
    await holding(stand);
    await stand.send({ id: 2n, call: claim({ wait: seconds(50) }) });
    await stand.send(message);
    expect(stand.line.ended).toMatchObject({ code: Code.INVALID_ARGUMENT, message: text });
    expect(stand.answers(2n)).toEqual([]);
    expect(stand.own.observed.handledCalls).toMatchObject([
      { method: "Claim", code: Code.OK },
      { method: "Session", code: Code.INVALID_ARGUMENT },
      { method: "Claim", code: Code.CANCELLED },
    ]);
    await stand.send({ id: 50n, call: claim() });
    expect(stand.answers(50n)).toEqual([]);
  });

  test("not by an id that was answered before", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 1n, call: heartbeat(lease) });
    expect(stand.answers(1n).map((answer) => answer.case)).toEqual(["claim", "heartbeat"]);
  });
});

test("an answer that cannot be encoded ends the stream with INTERNAL, and tells the log why", async () => {
  const stand = openStand();
  const lease = await holding(stand);
  const cause = new Error("ours");
  stand.line.breaks = cause;
  await stand.send({ id: 2n, call: heartbeat(lease) });
  expect(stand.line.ended).toMatchObject({ code: Code.INTERNAL });
  expect(stand.own.observed.handledCalls.at(-1)).toEqual({ method: "Session", code: Code.INTERNAL, cause });
});
