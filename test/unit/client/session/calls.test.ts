import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { open } from "./session-hand.ts";

const gone = new Error("gone");

describe("the limits of hello", () => {
  test("keep calls in the client, which go in their order as others are answered", () => {
    const { hand, send } = open({ callsMax: 2 });
    const calls = [send(), send(), send(), send()];
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
    hand.answer(2);
    expect(hand.arrived).toEqual(["claim 1", "claim 2", "claim 3"]);
    for (const id of [1, 3, 4]) hand.answer(id);
    expect(calls.map(({ fate }) => fate)).toEqual(Array(4).fill("answered"));
  });

  test("count claims that wait apart, and refuse one too many without sending it", () => {
    const { session, hand, call, send } = open({ callsMax: 1, waitsMax: 1 });
    send();
    const waiting = send({ waits: true });
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
    expect(session.send(call({ waits: true }))).toBe(false);
    hand.answer(2);
    expect(waiting.fate).toBe("answered");
    expect(session.send(call({ waits: true }))).toBe(true);
  });

  test("of nothing at all have every call go on its own", () => {
    const { session, call } = open({ callsMax: 0, waitsMax: 0 });
    expect([session.send(call()), session.send(call({ waits: true }))]).toEqual([false, false]);
  });

  test("count a cancelled call until it is answered", () => {
    const { hand, send } = open({ callsMax: 1 });
    const controller = new AbortController();
    send({ signal: controller.signal });
    send();
    controller.abort(gone);
    expect(hand.arrived).toEqual(["claim 1", "cancel 1"]);
    hand.refuse(1, Code.Canceled);
    expect(hand.arrived).toEqual(["claim 1", "cancel 1", "claim 2"]);
  });
});

describe("the bytes that hello allows", () => {
  const large = { key: "k".repeat(400) };

  test("are those of the calls that are open; what does not fit waits, and what is behind it too", () => {
    const { hand, send } = open({ requestBytesMax: 1_000 });
    const calls = [send(large), send(large), send(large), send(), send()];
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
    hand.answer(1);
    expect(hand.arrived.slice(2)).toEqual(["claim 3", "claim 4", "claim 5"]);
    for (const id of [2, 3, 4, 5]) hand.answer(id);
    expect(calls.map(({ fate }) => fate)).toEqual(Array(5).fill("answered"));
  });

  test("are not those of claims that wait, which overtake what is held back", () => {
    const { hand, send } = open({ requestBytesMax: 1_000 });
    for (let i = 0; i < 3; i++) send(large);
    for (let i = 0; i < 3; i++) send({ ...large, waits: true });
    expect(hand.arrived).toEqual([1, 2, 4, 5, 6].map((id) => `claim ${id}`));
  });

  test("have one that is larger by itself go on its own", () => {
    const { session, hand, call, send } = open({ requestBytesMax: 300 });
    expect(session.send(call(large))).toBe(false);
    send({ ...large, waits: true });
    expect(hand.arrived).toEqual(["claim 1"]);
  });

  test("are without a limit on a server that says nothing of them", () => {
    const { hand, send } = open({ requestBytesMax: 0 });
    for (let i = 0; i < 50; i++) send({ key: "k".repeat(100_000) });
    expect(hand.arrived).toHaveLength(50);
  });
});

describe("a call whose signal is aborted", () => {
  test("fails with the reason at once, is cancelled at the server, and drops the late answer", () => {
    const { hand, send } = open();
    const controller = new AbortController();
    const call = send({ signal: controller.signal, waits: true });
    controller.abort(gone);
    expect(call.error).toMatchObject({ code: Code.Canceled, rawMessage: "the call was cancelled", cause: gone });
    expect(hand.arrived).toEqual(["claim 1", "cancel 1"]);
    hand.answer(1);
    expect(call.fate).toBe("Canceled");
  });

  test("while it is queued is never sent", () => {
    const { hand, send } = open({ callsMax: 1 });
    const controller = new AbortController();
    send();
    const call = send({ signal: controller.signal });
    controller.abort(gone);
    expect(call.fate).toBe("Canceled");
    hand.answer(1);
    expect(hand.arrived).toEqual(["claim 1"]);
  });

  test("before it is made is not taken", () => {
    const { session, call } = open();
    expect(session.send(call({ signal: AbortSignal.abort(gone) }))).toBe(false);
  });

  test("after its answer is not cancelled, and the signal is let go", () => {
    const { hand, send } = open();
    const controller = new AbortController();
    const call = send({ signal: controller.signal });
    hand.answer(1);
    controller.abort(gone);
    expect(call.fate).toBe("answered");
    expect(hand.arrived).toEqual(["claim 1"]);
  });
});

describe("a call's time", () => {
  test("ends it here, and cancels it at the server", async () => {
    const { clock, hand, send } = open();
    const [short, long] = [send({ timeoutMs: 200 }), send({ timeoutMs: 5_000 })];
    await clock.advance(199);
    expect(short.fate).toBe(undefined);
    await clock.advance(1);
    expect([short.fate, long.fate]).toEqual(["DeadlineExceeded", undefined]);
    expect(hand.arrived).toEqual(["claim 1", "claim 2", "cancel 1"]);
    hand.answer(1);
    expect(short.fate).toBe("DeadlineExceeded");
  });

  test("ends one that is queued, which is never sent", async () => {
    const { clock, hand, send } = open({ callsMax: 1 });
    const first = send({ timeoutMs: 5_000 });
    const queued = send({ timeoutMs: 200 });
    await clock.advance(200);
    expect([first.fate, queued.fate]).toEqual([undefined, "DeadlineExceeded"]);
    hand.answer(1);
    expect(hand.arrived).toEqual(["claim 1"]);
  });

  test("of many calls is one timer", () => {
    const { clock, send } = open();
    for (let i = 0; i < 50; i++) send({ timeoutMs: 1_000 + i });
    expect(clock.pending()).toBe(1);
  });
});

describe("a stream that takes no more", () => {
  test("is not written to before it drains, and then in order", () => {
    const { hand, send } = open();
    hand.room = 2;
    const calls = [send(), send(), send(), send()];
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
    hand.drain(1);
    expect(hand.arrived).toEqual(["claim 1", "claim 2", "claim 3"]);
    hand.drain();
    expect(hand.arrived).toHaveLength(4);
    for (const id of [1, 2, 3, 4]) hand.answer(id);
    expect(calls.map(({ fate }) => fate)).toEqual(Array(4).fill("answered"));
  });

  test("holds back claims that wait, which then overtake what the limit holds back", () => {
    const { hand, send } = open({ callsMax: 1 });
    hand.room = 1;
    send();
    send();
    send({ waits: true });
    send();
    send({ waits: true });
    hand.drain();
    expect(hand.arrived).toEqual(["claim 1", "claim 3", "claim 5"]);
    hand.answer(1);
    hand.answer(2);
    expect(hand.arrived).toEqual([1, 3, 5, 2, 4].map((id) => `claim ${id}`));
  });

  test("carries cancellations before calls, and none of what is answered by then", () => {
    const { hand, send } = open();
    hand.room = 2;
    const controller = new AbortController();
    send({ signal: controller.signal });
    send({ signal: controller.signal });
    controller.abort(gone);
    send();
    expect(hand.arrived).toEqual(["claim 1", "claim 2"]);
    hand.answer(2);
    hand.drain();
    expect(hand.arrived).toEqual(["claim 1", "claim 2", "cancel 1", "claim 3"]);
  });
});

describe("a call that is too large for a stream", () => {
  test("is not taken, and holds up no other", () => {
    const { session, hand, call, send } = open();
    expect(session.send(call({ key: "k".repeat(200_000) }))).toBe(false);
    send();
    expect(hand.arrived).toEqual(["claim 1"]);
  });
});

describe("a call that asks about one that was cancelled", () => {
  test("goes behind its cancelling, also on a session that takes no others", () => {
    const { session, hand, call, send } = open();
    const controller = new AbortController();
    send({ signal: controller.signal, waits: true });
    session.leave();
    expect(hand.done).toEqual([]);
    controller.abort(gone);
    expect(session.send(call())).toBe(false);
    const asking = send({ isBehind: true });
    expect(hand.arrived).toEqual(["claim 1", "cancel 1", "claim 2"]);
    hand.refuse(1, Code.Canceled);
    hand.refuse(2, Code.Unavailable);
    expect(asking.fate).toBe("elsewhere");
    expect(hand.done).toEqual(["half-close"]);
  });

  test("is not taken when the cancelled one is answered: there is nothing to be behind", () => {
    const { session, hand, call, send } = open();
    send();
    session.leave();
    hand.answer(1);
    expect(session.send(call({ isBehind: true }))).toBe(false);
  });
});
