import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SessionGoodbye_Reason } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { createSessions } from "../../../../src/client/session/sessions.ts";
import { createManualClock } from "../manual-clock.ts";
import { claimCall, createHand, type Hand, type TestCall } from "./hand.ts";

function start() {
  const clock = createManualClock();
  const hands: Hand[] = [];
  /** Of each stream, in order. */
  const authorizations: string[] = [];
  const sessions = createSessions({
    clock,
    random: () => 0.999,
    open(authorization, events) {
      authorizations.push(authorization);
      const hand = createHand(events);
      hands.push(hand);
      return hand.stream;
    },
  });
  const call = (options?: Parameters<typeof claimCall>[1]): TestCall => claimCall(clock.monotonicMs(), options);
  /** Whether a session has taken a call. */
  const isTaken = (authorization = "", made = call()) => sessions.send(made, authorization);
  const hand = (index = hands.length - 1): Hand => {
    const found = hands[index];
    if (found === undefined) throw new Error(`no stream ${index} was opened`);
    return found;
  };
  /** One that takes calls. */
  const openOne = (authorization = "") => {
    expect(isTaken(authorization)).toBe(false);
    hand().hello();
    return hand();
  };
  return { clock, sessions, hands, authorizations, call, isTaken, hand, openOne };
}

const dropped = new ConnectError("Connection dropped", Code.Unavailable);

describe("sessions with a server", () => {
  test("begin with the first call, which is made on its own, as those are that come before Hello", () => {
    const { hands, isTaken, hand } = start();
    expect([isTaken(), isTaken()]).toEqual([false, false]);
    expect(hands).toHaveLength(1);
    hand().hello();
    expect(isTaken()).toBe(true);
    expect(hands).toHaveLength(1);
  });

  test("that nobody uses end, and begin again with the next call", async () => {
    const { clock, hands, isTaken, openOne, hand } = start();
    openOne();
    await clock.advance(1_000);
    expect(hand().done).toEqual(["half-close"]);
    expect(isTaken()).toBe(false);
    expect(hands).toHaveLength(2);
  });

  test("whose stream cannot be opened, for its credential say, leave nothing behind", () => {
    const clock = createManualClock();
    const sessions = createSessions({
      ...{ clock, random: () => 0 },
      open() {
        throw new TypeError("no header holds this");
      },
    });
    expect(() => sessions.send(claimCall(clock.monotonicMs()), "Bearer \n")).toThrow(TypeError);
    expect(clock.pending()).toBe(0);
  });

  test("are not tried for a call that a session has no room for", () => {
    const { hands, isTaken, call, hand } = start();
    isTaken();
    hand().hello({ waitsMax: 0 });
    expect(isTaken("", call({ waits: true }))).toBe(false);
    expect(hands).toHaveLength(1);
  });

  test("that were closed take nothing and open nothing", () => {
    const { sessions, hands, isTaken, openOne, hand } = start();
    openOne();
    sessions.close();
    expect(hand().done).toEqual(["half-close"]);
    expect(isTaken()).toBe(false);
    expect(hands).toHaveLength(1);
  });
});

describe("after a session that broke", () => {
  test("the next call opens another one, when the first has answered anything", () => {
    const { hands, isTaken, openOne } = start();
    const hand = openOne();
    isTaken();
    hand.answer(1);
    hand.end(dropped);
    expect(isTaken()).toBe(false);
    expect(hands).toHaveLength(2);
  });

  test("and answered nothing, others are tried ever more rarely, and at once after one that answers", async () => {
    const { clock, hands, isTaken, hand } = start();
    const pauses: number[] = [];
    for (let tries = 1; tries <= 10; tries++) {
      let pausedMs = 0;
      while (hands.length < tries) {
        isTaken();
        if (hands.length === tries) break;
        await clock.advance(50);
        pausedMs += 50;
      }
      pauses.push(pausedMs);
      hand().end(dropped);
    }
    expect(pauses).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    await clock.advance(10_000);
    isTaken();
    hand().hello();
    isTaken();
    hand().answer(1);
    hand().end(dropped);
    isTaken();
    expect(hands).toHaveLength(12);
  });

  test("without Hello in time, the same", async () => {
    const { clock, hands, isTaken } = start();
    isTaken();
    await clock.advance(3_000);
    isTaken();
    expect(hands).toHaveLength(1);
    await clock.advance(100);
    isTaken();
    expect(hands).toHaveLength(2);
  });

  test("by silence, the same", async () => {
    const { clock, hands, isTaken, openOne, call } = start();
    openOne().room = Number.POSITIVE_INFINITY;
    expect(isTaken("", call({ timeoutMs: 1_000 }))).toBe(true);
    await clock.advance(1_000);
    expect(isTaken()).toBe(false);
    expect(hands).toHaveLength(1);
    await clock.advance(100);
    isTaken();
    expect(hands).toHaveLength(2);
  });
});

describe("a server without sessions", () => {
  test("is asked once a minute, whatever the credential", async () => {
    const { clock, hands, isTaken, hand } = start();
    isTaken("Bearer a");
    hand().end(new ConnectError("unknown method", Code.Unimplemented));
    for (let second = 0; second < 59; second++) {
      await clock.advance(1_000);
      isTaken("Bearer a");
      isTaken("Bearer b");
    }
    expect(hands).toHaveLength(1);
    await clock.advance(1_000);
    isTaken("Bearer a");
    expect(hands).toHaveLength(2);
  });
});

describe("goodbye", () => {
  test("of an old connection has the next call open another session, while the first one answers", () => {
    const { sessions, hands, isTaken, openOne, hand } = start();
    const old = openOne();
    isTaken();
    isTaken();
    old.answer(1);
    old.goodbye(SessionGoodbye_Reason.MAX_AGE);
    expect(sessions.isDraining()).toBe(false);
    expect(isTaken()).toBe(false);
    expect(hands).toHaveLength(2);
    hand().hello();
    expect(isTaken()).toBe(true);
    expect(old.done).toEqual([]);
    old.answer(2);
    expect(old.done).toEqual(["half-close"]);
  });

  test("of a server that shuts down has none opened there before it has gone", () => {
    const { sessions, hands, isTaken, openOne } = start();
    const old = openOne();
    isTaken();
    isTaken();
    old.answer(1);
    old.goodbye(SessionGoodbye_Reason.DRAINING);
    expect(sessions.isDraining()).toBe(true);
    isTaken();
    expect(hands).toHaveLength(1);
    old.answer(2);
    old.end();
    expect(sessions.isDraining()).toBe(false);
    isTaken();
    expect(hands).toHaveLength(2);
  });
});

describe("another credential", () => {
  test("opens another session, and the first one ends when that takes calls", async () => {
    const { clock, authorizations, isTaken, openOne, hand } = start();
    const old = openOne("Bearer a");
    expect(isTaken("Bearer a")).toBe(true);
    await clock.advance(1_000);
    expect(isTaken("Bearer b")).toBe(false);
    expect(authorizations).toEqual(["Bearer a", "Bearer b"]);
    expect(isTaken("Bearer a")).toBe(true);
    hand().hello();
    expect(isTaken("Bearer b")).toBe(true);
    expect(hand().arrived).toEqual(["claim 1"]);
    old.answer(1);
    old.answer(2);
    expect(old.done).toEqual(["half-close"]);
  });

  test("for each call opens at most one session a second", async () => {
    const { clock, hands, isTaken, hand } = start();
    for (let i = 0; i < 30; i++) {
      isTaken(i % 2 === 0 ? "Bearer a" : "Bearer b");
      if (hand().arrived.length === 0 && !hand().done.includes("greeted")) {
        hand().done.push("greeted");
        hand().hello();
      }
      await clock.advance(100);
    }
    expect(hands).toHaveLength(3);
  });

  test("does not wait for what the first one has to: it was refused", async () => {
    const { clock, hands, isTaken, hand } = start();
    isTaken("Bearer old");
    hand().end(new ConnectError("no", Code.Unauthenticated));
    await clock.advance(1_000);
    isTaken("Bearer new");
    expect(hands).toHaveLength(2);
  });
});

describe("a call that asks about a cancelled one", () => {
  test("goes on the session of that one while it ends, and no other call does", () => {
    const { isTaken, openOne, call } = start();
    const controller = new AbortController();
    const old = openOne();
    isTaken("", call({ waits: true, signal: controller.signal }));
    old.goodbye(SessionGoodbye_Reason.MAX_AGE);
    controller.abort();
    expect(isTaken()).toBe(false);
    expect(isTaken("", call({ isBehind: true }))).toBe(true);
    expect(old.arrived).toEqual(["claim 1", "cancel 1", "claim 2"]);
  });
});
