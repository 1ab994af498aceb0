import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createSilence } from "../../../../src/client/silence.ts";
import { open, start } from "./session-hand.ts";

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

  test("without an error and without goodbye is no better, but the server is not silent", () => {
    const { hand, send } = open();
    const call = send();
    hand.end();
    expect(call.error).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("ended before") });
    expect(createSilence().explain("127.0.0.1:1", call.error)).toBe(call.error);
  });

  test("sends elsewhere what was queued behind something open on a session that was left", () => {
    const { session, hand, send } = open({ callsMax: 1 });
    const sent = send();
    session.leave();
    const queued = send({ isBehind: true });
    hand.end(new ConnectError("Connection dropped", Code.Unavailable));
    expect([sent.fate, queued.fate]).toEqual(["Unavailable", "elsewhere"]);
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

  test("about claims that wait is left when the first answer is owed: a second after the wait", async () => {
    const { clock, told, send } = open();
    const first = send({ waits: true, timeoutMs: 40_000 });
    await clock.advance(10_000);
    const second = send({ waits: true, timeoutMs: 40_000 });
    await clock.advance(20_999);
    expect(told).toEqual(["open"]);
    await clock.advance(1);
    expect(told).toEqual(["open", "silent"]);
    expect([first.fate, second.fate]).toEqual([undefined, undefined]);
    await clock.advance(19_000);
    expect([first.fate, second.fate]).toEqual(["DeadlineExceeded", "DeadlineExceeded"]);
  });

  test("about a claim that waits is not left, when it answers others", async () => {
    const { clock, hand, told, send } = open();
    send({ waits: true, timeoutMs: 40_000 });
    send();
    hand.answer(2);
    await clock.advance(39_999);
    expect(told).toEqual(["open"]);
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

  test("fails queued calls the same, and sends none of them elsewhere", () => {
    const { session, hand, told, send } = open({ callsMax: 1 });
    const calls = [send(), send(), send()];
    session.close();
    expect(calls.map(({ error }) => error?.rawMessage)).toEqual(Array(3).fill("the client is closed"));
    expect(calls.map(({ fate }) => fate)).toEqual(Array(3).fill("Canceled"));
    expect(hand.arrived).toEqual(["claim 1"]);
    expect(told).toEqual(["open", "given-up"]);
  });

  test("leaves no timer behind", async () => {
    const { clock, session, send } = open({ callsMax: 1 });
    for (let i = 0; i < 3; i++) send();
    session.close();
    await clock.advance(0);
    expect(clock.pending()).toBe(0);
  });

  test("ends one that is not open yet", () => {
    const { session, hand } = start();
    session.close();
    expect(hand.done).toContain("cancel");
  });
});
