import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SessionGoodbye_Reason } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { createSession, type Left } from "../../../../src/client/session/session.ts";
import { createManualClock } from "../manual-clock.ts";
import { claimCall, createHand, type Hand } from "./hand.ts";

function start() {
  const clock = createManualClock();
  const told: string[] = [];
  const left: Left[] = [];
  let hand: Hand | undefined;
  const session = createSession({
    clock,
    open(events) {
      hand = createHand(events);
      return hand.stream;
    },
    onOpen: () => told.push("open"),
    onLeft(why) {
      told.push(why.kind);
      left.push(why);
    },
    onEnded: () => told.push("ended"),
  });
  if (hand === undefined) throw new Error("no stream was opened");
  const call = (options?: Parameters<typeof claimCall>[1]) => claimCall(clock.monotonicMs(), options);
  const send = (options?: Parameters<typeof claimCall>[1]) => {
    const sent = call(options);
    expect(session.send(sent)).toBe(true);
    return sent;
  };
  return { clock, session, hand, told, left, call, send };
}

function open(limits?: Parameters<Hand["hello"]>[0]) {
  const all = start();
  all.hand.hello(limits);
  return all;
}

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
    send({ timeoutMs: Number.POSITIVE_INFINITY });
    expect(hand.requests.map(({ timeout, traceparent }) => [timeout, traceparent])).toMatchObject([
      [{ seconds: 1n, nanos: 501_000_000 }, "00-a-b-01"],
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

  test("is not behind every UNAVAILABLE", () => {
    const { hand, send } = open();
    const call = send();
    hand.refuse(1, Code.Unavailable, "the database is away");
    expect(call.error).toMatchObject({ code: Code.Unavailable, rawMessage: "the database is away" });
  });
});

describe("a stream that ends", () => {
  test("leaves what was open with UNAVAILABLE, for it may have taken effect, and what was not sent elsewhere", () => {
    const { clock, session, hand, told, left, call, send } = open({ callsMax: 1 });
    const [sent, queued] = [send(), send()];
    hand.end(new ConnectError("Connection dropped", Code.Unavailable));
    expect(sent.error).toMatchObject({
      code: Code.Unavailable,
      rawMessage: "the session broke: Connection dropped",
    });
    expect(queued.fate).toBe("elsewhere");
    expect(told).toEqual(["open", "failed", "ended"]);
    expect(left[0]?.error?.rawMessage).toBe("Connection dropped");
    expect(session.send(call())).toBe(false);
    expect(clock.pending()).toBe(0);
  });

  test("without an error and without goodbye is no better", () => {
    const { hand, send } = open();
    const call = send();
    hand.end();
    expect(call.error).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("ended before") });
  });

  test("with the server's own error has its details told under UNAVAILABLE", () => {
    const { hand, send } = open();
    const call = send();
    const error = new ConnectError("no", Code.Unauthenticated, { "grpc-status-details-bin": "x" });
    error.details = [{ type: "google.rpc.ErrorInfo", value: new Uint8Array() }];
    hand.end(error);
    expect(call.error).toMatchObject({ code: Code.Unavailable, details: error.details });
    expect([...(call.error?.metadata.keys() ?? [])]).toEqual(["grpc-status-details-bin"]);
  });
});

describe("a server that is silent", () => {
  test("for a whole second of a call is left, and what is open is left to its own time", async () => {
    const { clock, hand, told, send } = open();
    const waiting = send({ waits: true, timeoutMs: 40_000 });
    const call = send({ timeoutMs: 1_000 });
    await clock.advance(1_000);
    expect(call.fate).toBe("DeadlineExceeded");
    expect(told).toEqual(["open", "silent"]);
    expect(hand.done).toEqual([]);
    await clock.advance(39_000);
    expect(waiting.fate).toBe("DeadlineExceeded");
    await clock.advance(5_000);
    expect(hand.done).toEqual(["cancel", "ended"]);
  });

  test.each([
    ["for less", { timeoutMs: 900 }, false],
    ["about a claim that waits", { timeoutMs: 5_000, waits: true }, false],
    ["about one call while it answers others", { timeoutMs: 5_000 }, true],
  ])("%s is not", async (_, options, answersOther) => {
    const { clock, hand, told, send } = open();
    const call = send(options);
    send({ timeoutMs: 60_000, waits: true });
    send();
    if (answersOther) hand.answer(3);
    await clock.advance(options.timeoutMs);
    expect(call.fate).toBe("DeadlineExceeded");
    expect(told).toEqual(["open"]);
  });
});

describe("close()", () => {
  test("half-closes what nobody uses", () => {
    const { session, hand } = open();
    session.close();
    expect(hand.done).toEqual(["half-close"]);
  });

  test("fails open calls with CANCELLED and ends the stream", () => {
    const { session, hand, send } = open();
    const call = send();
    session.close();
    expect(call.error).toMatchObject({ code: Code.Canceled, rawMessage: "the client is closed" });
    expect(hand.done).toEqual(["cancel"]);
  });

  test("ends one that is not open yet", () => {
    const { session, hand } = start();
    session.close();
    expect(hand.done).toContain("cancel");
  });
});
