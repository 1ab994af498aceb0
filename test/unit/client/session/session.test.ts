import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SessionGoodbye_Reason } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { toHoldfastError } from "../../../../src/client/wire-error.ts";
import { open, start } from "./session-hand.ts";

describe("a session", () => {
  test("takes no call before Hello", () => {
    const { session, hand, told, call } = start();
    expect(session.send(call())).toBe(false);
    hand.hello();
    expect(told).toEqual(["open"]);
    expect(session.send(call())).toBe(true);
    expect(hand.arrived).toEqual(["claim 1"]);
  });

  test("that hears no Hello in three seconds is given up", async () => {
    const { clock, hand, told, left } = start();
    await clock.advance(2_999);
    expect(hand.done).toEqual([]);
    await clock.advance(1);
    expect(hand.done).toEqual(["cancel", "ended"]);
    expect(told).toEqual(["failed", "ended"]);
    expect(left[0]).toMatchObject({ answers: 0 });
    expect(clock.pending()).toBe(0);
  });

  test("gives each call its answer, in whatever order they come", () => {
    const { hand, send } = open();
    const [one, two, three] = [send(), send(), send()];
    hand.answer(3);
    hand.answer(1);
    expect([one.fate, two.fate, three.fate]).toEqual(["answered", undefined, "answered"]);
    hand.answer(2);
    expect(two.fate).toBe("answered");
  });

  test("says how long an answer is of use, and where in a trace the call is", () => {
    const { hand, send } = open();
    send({ timeoutMs: 1_500.5, traceparent: "00-a-b-01" });
    send({ timeoutMs: 2 ** 31 - 1 });
    for (const timeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) send({ timeoutMs });
    expect(hand.requests.map(({ timeout, traceparent }) => [timeout, traceparent])).toMatchObject([
      [{ seconds: 1n, nanos: 501_000_000 }, "00-a-b-01"],
      [{ seconds: 2_147_483n, nanos: 647_000_000 }, ""],
      [undefined, ""],
      [undefined, ""],
    ]);
  });

  test("drops an answer to nobody, and one that comes twice", () => {
    const { hand, send } = open();
    const call = send();
    hand.answer(9);
    hand.answer(1);
    hand.answer(1);
    expect(call.fate).toBe("answered");
  });

  test("fails a call that is answered with something else", () => {
    const { hand, send } = open();
    const [wrong, none] = [send(), send()];
    hand.answer(1, { case: "heartbeat", value: {} });
    hand.answer(2, { case: undefined });
    expect([wrong.fate, none.fate]).toEqual(["Internal", "Internal"]);
    expect(wrong.error?.rawMessage).toBe("a claim was answered with heartbeat");
  });

  test("that nobody uses is given up within a second, and one that is used stays", async () => {
    const { clock, hand, told, send } = open();
    for (let second = 0; second < 3; second++) {
      send();
      hand.answer(second + 1);
      await clock.advance(450);
    }
    expect(told).toEqual(["open"]);
    await clock.advance(1_000);
    expect(told).toEqual(["open", "idle"]);
    expect(hand.done).toEqual(["half-close"]);
    hand.end();
    expect(told).toEqual(["open", "idle", "ended"]);
    expect(clock.pending()).toBe(0);
  });

  test("stays for a claim that waits", async () => {
    const { clock, hand, told, send } = open();
    const waiting = send({ waits: true, timeoutMs: 40_000 });
    await clock.advance(30_000);
    expect(told).toEqual(["open"]);
    hand.answer(1);
    expect(waiting.fate).toBe("answered");
  });

  test("whose server does not end it is ended here", async () => {
    const { clock, session, hand } = open();
    session.leave();
    expect(hand.done).toEqual(["half-close"]);
    await clock.advance(5_000);
    expect(hand.done).toEqual(["half-close", "cancel", "ended"]);
  });
});

describe("goodbye", () => {
  test.each([
    [SessionGoodbye_Reason.DRAINING, "draining"],
    [SessionGoodbye_Reason.MAX_AGE, "aged"],
    [SessionGoodbye_Reason.UNSPECIFIED, "aged"],
  ])("%s has open calls answered, and takes no more", (reason, kind) => {
    const { session, hand, told, call, send } = open();
    const before = send();
    hand.goodbye(reason);
    expect(told).toEqual(["open", kind]);
    expect(session.send(call())).toBe(false);
    hand.answer(1);
    expect(before.fate).toBe("answered");
    expect(hand.done).toEqual(["half-close"]);
    hand.end();
    expect(told).toEqual(["open", kind, "ended"]);
  });

  test("sends a call elsewhere that it refuses, and one that was never sent", () => {
    const { hand, send } = open({ callsMax: 2 });
    const [refused, failed, queued] = [send(), send(), send()];
    hand.goodbye();
    expect(queued.fate).toBe("elsewhere");
    hand.refuse(1, Code.Unavailable);
    hand.refuse(2, Code.NotFound);
    expect([refused.fate, failed.fate]).toEqual(["elsewhere", "NotFound"]);
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
  });

  test("is not behind an UNAVAILABLE that has a reason of its own: when to come again is for the caller", () => {
    const { hand, send } = open();
    const [draining, away] = [send(), send()];
    hand.goodbye();
    hand.fault(1, "DRAINING");
    hand.fault(2, "STORE_UNAVAILABLE");
    expect([draining.fate, away.fate]).toEqual(["elsewhere", "Unavailable"]);
    expect(toHoldfastError(away.error)).toMatchObject({
      reason: "STORE_UNAVAILABLE",
      retryAfterMs: expect.any(Number),
    });
  });

  test("was too early for what is unanswered when the stream ends in good order: it goes elsewhere", () => {
    const { hand, told, send } = open();
    const [before, after] = [send(), send()];
    hand.goodbye(SessionGoodbye_Reason.MAX_AGE);
    hand.answer(1);
    expect(after.fate).toBe(undefined);
    hand.end();
    expect([before.fate, after.fate]).toEqual(["answered", "elsewhere"]);
    expect(told).toEqual(["open", "aged", "ended"]);
  });

  test("that comes when the session is left already, the same", () => {
    const { session, hand, send } = open();
    const call = send();
    session.leave();
    hand.goodbye();
    hand.end();
    expect(call.fate).toBe("elsewhere");
  });

  test("before a stream that breaks says nothing of what is unanswered", () => {
    const { hand, send } = open();
    const call = send();
    hand.goodbye();
    hand.end(new ConnectError("Connection dropped", Code.Unavailable));
    expect(call.fate).toBe("Unavailable");
  });

  test("is not behind every UNAVAILABLE", () => {
    const { hand, send } = open();
    const call = send();
    hand.refuse(1, Code.Unavailable, "the database is away");
    expect(call.error).toMatchObject({ code: Code.Unavailable, rawMessage: "the database is away" });
  });
});
