import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { TimeoutError } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { loseAnswers, unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start } from "./one-job.ts";

describe("a caller who gives up", () => {
  test("while waiting rejects with the signal's reason at once", async () => {
    const { server, clock, holdfast } = start();
    void holdfast.once(job, () => new Promise<never>(() => {}));
    await settle();
    const controller = new AbortController();
    const waiting = server.client().once({ ...job, signal: controller.signal }, () => 1);
    await clock.advance(500);
    const reason = new Error("shutting down");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  test("before the call makes no call", async () => {
    const { server, holdfast } = start();
    const reason = new Error("too late");
    await expect(holdfast.once({ ...job, signal: AbortSignal.abort(reason) }, () => 1)).rejects.toBe(reason);
    expect(server.calls).toEqual([]);
  });

  test("while a claim is under way gives the lease back if that claim acquires", async () => {
    const { server, clock, holdfast, record } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "claim") await clock.sleep(1_000, new AbortController().signal);
      return pass();
    };
    const controller = new AbortController();
    const held = { ...job, onLeaseExpiry: "hold", signal: controller.signal } as const;
    const giving = holdfast.once(held, () => 1);
    await settle();
    controller.abort(new Error("gone"));
    await expect(giving).rejects.toThrow("gone");
    await clock.advance(1_000);
    expect(await record()).toMatchObject({ state: "available", attempt: 0 });
    expect(clock.pending()).toBe(0);
  });

  test.each([
    ["breaks off", 1_000, 1_000],
    ["hangs for a whole try's time", 3_600_000, 10_000],
  ])("while a claim acquires whose answer then %s still gives the lease back", async (_, answerMs, lostAfterMs) => {
    const { server, clock, holdfast, record, claimIds } = start();
    server.meddle = async (call, pass) => {
      const answer = await pass();
      if (call.method !== "claim" || call.earlier > 0) return answer;
      await clock.sleep(answerMs, new AbortController().signal);
      throw unavailable();
    };
    const giving = holdfast.once({ ...job, onLeaseExpiry: "hold", timeoutMs: 100 }, () => 1);
    await expect(clock.until(giving)).rejects.toBeInstanceOf(TimeoutError);
    expect((await record())?.state).toBe("in-progress");
    await clock.advance(lostAfterMs);
    expect(await record()).toMatchObject({ state: "available", attempt: 0 });
    expect(claimIds()).toHaveLength(2);
    expect(new Set(claimIds()).size).toBe(1);
    expect(server.warnings).toEqual([]);
  });

  test("between the tries of a claim whose answer was lost gives the lease back", async () => {
    const { server, clock, record } = start();
    server.meddle = loseAnswers("claim", 1);
    const holdfast = server.client({
      retry: { baseDelayMs: 1_000_000, maxDelayMs: 1_000_000, totalTimeoutMs: 3_600_000 },
    });
    const controller = new AbortController();
    const giving = holdfast.once({ ...job, onLeaseExpiry: "hold", signal: controller.signal }, () => 1);
    await settle();
    controller.abort(new Error("gone"));
    await expect(giving).rejects.toThrow("gone");
    await clock.advance(0);
    expect(await record()).toMatchObject({ state: "available", attempt: 0 });
    expect(clock.pending()).toBe(0);
  });

  test("while the answer of a reconciler's claim is being lost leaves the outcome as unknown as it was", async () => {
    const { server, clock, holdfast, record } = start();
    await holdfast.once({ ...job, onLeaseExpiry: "hold" }, () => Promise.reject(new Error("?"))).catch(() => undefined);
    const lost = Promise.withResolvers<never>();
    server.meddle = async (call, pass) => {
      const answer = await pass();
      return call.method === "claim" && call.earlier === 1 ? await lost.promise : answer;
    };
    const controller = new AbortController();
    const giving = holdfast.reconcile({ ...job, signal: controller.signal }, async () => ({ notStarted: true }));
    await settle();
    controller.abort(new Error("gone"));
    await expect(giving).rejects.toThrow("gone");
    expect((await record())?.state).not.toBe("outcome-unknown");
    lost.reject(unavailable());
    await clock.advance(0);
    expect(await record()).toMatchObject({ state: "outcome-unknown", attempt: 1 });
  });

  test("with a claim that was refused asks no more", async () => {
    const { server, clock, holdfast, count } = start();
    server.admission = new Fault("OVERLOADED", "busy", { retryAfterMs: 2_000 });
    const giving = holdfast.once({ ...job, timeoutMs: 100 }, () => 1);
    await expect(clock.until(giving)).rejects.toBeInstanceOf(TimeoutError);
    await holdfast.close();
    expect(count("claim")).toBe(1);
    expect(clock.pending()).toBe(0);
  });

  test("with a claim whose fate stays unknown is let close() after a try's time, and a warning says so", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = () => Promise.reject(unavailable());
    const giving = holdfast.once({ ...job, timeoutMs: 1_000 }, () => 1);
    await expect(clock.until(giving)).rejects.toBeInstanceOf(TimeoutError);
    const before = clock.monotonicMs();
    await clock.until(holdfast.close());
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(10_000);
    expect(server.warnings).toMatchObject([{ kind: "give-back-failed", scope: "charge", key: "evt_1" }]);
    expect(clock.pending()).toBe(0);
  });

  test("while a reconciler's claim is under way leaves the outcome as unknown as it was", async () => {
    const { server, clock, holdfast, record } = start();
    await holdfast.once({ ...job, onLeaseExpiry: "hold" }, () => Promise.reject(new Error("?"))).catch(() => undefined);
    server.meddle = async (call, pass) => {
      if (call.method === "claim") await clock.sleep(1_000, new AbortController().signal);
      return pass();
    };
    const controller = new AbortController();
    const giving = holdfast.reconcile({ ...job, signal: controller.signal }, async () => ({ notStarted: true }));
    await settle();
    controller.abort(new Error("gone"));
    await expect(giving).rejects.toThrow("gone");
    await clock.advance(1_000);
    expect(await record()).toMatchObject({ state: "outcome-unknown", attempt: 1 });
  });

  test("of waiting for a server that is not there is told why by TimeoutError's cause", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = () => Promise.reject(unavailable());
    const error = await clock.until(holdfast.once({ ...job, timeoutMs: 2_000 }, () => 1).catch((thrown) => thrown));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ lastOutcome: undefined, cause: { code: Code.Unavailable } });
  });

  test("of waiting, by timeoutMs, never cuts the work, and no timer of it is left", async () => {
    const { clock, holdfast } = start();
    const done = holdfast.once({ ...job, timeoutMs: 1_000_000 }, async ({ signal }) => {
      // The lease's heartbeat and its end, and nothing else.
      expect(clock.pending()).toBe(2);
      await clock.sleep(2_000_000, signal);
      return "long";
    });
    expect(await clock.until(done)).toMatchObject({ value: "long" });
    expect(clock.pending()).toBe(0);
  });

  test("while the work runs has the work's signal aborted, and its end is stored", async () => {
    const { holdfast, record, clock } = start();
    const controller = new AbortController();
    const work = holdfast.once({ ...job, signal: controller.signal }, async ({ signal }) => {
      controller.abort(new Error("please stop"));
      return String(signal.reason.message);
    });
    expect((await work).value).toBe("please stop");
    expect((await record())?.state).toBe("completed");
    expect(clock.pending()).toBe(0);
  });

  test("does not leave listeners on a signal that outlives the calls", async () => {
    const { holdfast } = start();
    const signal = new AbortController().signal;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    for (let i = 0; i < 3; i++) await holdfast.once({ ...job, signal }, () => 1);
    expect(listeners).toBe(0);
  });
});

describe("close()", () => {
  test("ends who waits, asks running work to stop, and resolves when its end is stored", async () => {
    const { server, clock, holdfast, record } = start();
    const running = holdfast.once(job, ({ signal }) => {
      const stopped = Promise.withResolvers<string>();
      signal.addEventListener("abort", () => stopped.resolve(signal.reason.reason));
      return stopped.promise;
    });
    await settle();
    const waiting = holdfast.once(job, () => "never");
    const refused = expect(waiting).rejects.toMatchObject({ reason: "CLOSED" });
    await clock.advance(50);
    await holdfast.close();
    await refused;
    expect((await running).value).toBe("CLOSED");
    expect((await record())?.state).toBe("completed");
    expect(clock.pending()).toBe(0);
    const calls = server.calls.length;
    await expect(holdfast.once(job, () => 1)).rejects.toMatchObject({ reason: "CLOSED" });
    expect(server.calls).toHaveLength(calls);
  });

  test("waits for a completion whose answer is lost", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = loseAnswers("complete", 2);
    const done = holdfast.once(job, () => "stored");
    await settle();
    let closed = false;
    const closing = holdfast.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    expect(await clock.until(done)).toMatchObject({ value: "stored" });
    await closing;
  });

  test("is what leaving an `await using` block does", async () => {
    const { server } = start();
    let client: ReturnType<typeof server.client> | undefined;
    {
      await using holdfast = server.client();
      client = holdfast;
      await holdfast.once(job, () => 1);
    }
    await expect(client.once(job, () => 1)).rejects.toMatchObject({ reason: "CLOSED" });
  });
});
