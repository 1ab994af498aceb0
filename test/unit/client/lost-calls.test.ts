import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { ClaimRequest } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { CompleteFailedError, HoldfastError, ResultConflictError, TimeoutError } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createFakeServer, loseAnswers, unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";

const job = { scope: "charge", key: "evt_1", input: null } as const;
const name = { tenant: "default", scope: job.scope, key: job.key };

function start() {
  const server = createFakeServer();
  const count = (method: string) => server.calls.filter((call) => call === method).length;
  const record = async () => (await server.store.peek(name, Number.POSITIVE_INFINITY)).record;
  const claimIds = () =>
    server.requests.flatMap((each) =>
      each.$typeName === "holdfast.v1.ClaimRequest" ? [(each as ClaimRequest).claimId] : [],
    );
  return { server, clock: server.clock, holdfast: server.client(), count, record, claimIds };
}

describe("an answer that is lost", () => {
  test("of a claim is asked for again with the same claim_id, and the lease reattached", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = loseAnswers("claim", 3);
    const done = await clock.until(holdfast.once(job, ({ number }) => number));
    expect(done).toMatchObject({ value: 1, replayed: false, reason: "reattached" });
    expect(claimIds()).toHaveLength(4);
    expect(new Set(claimIds()).size).toBe(1);
  });

  test("of a completion is asked for again with the same content", async () => {
    const { server, clock, holdfast, count } = start();
    server.meddle = loseAnswers("complete", 3);
    const done = await clock.until(holdfast.once(job, () => "stored once"));
    expect(done).toMatchObject({ value: "stored once", replayed: false });
    expect(count("complete")).toBe(4);
  });

  test("of a failure is asked for again, and the work's error thrown", async () => {
    const { server, clock, holdfast, count, record } = start();
    server.meddle = loseAnswers("fail", 3);
    const broken = new Error("broken");
    await expect(clock.until(holdfast.once(job, () => Promise.reject(broken)))).rejects.toBe(broken);
    expect(count("fail")).toBe(4);
    expect((await record())?.state).toBe("available");
  });

  test("for ever has the completion end in CompleteFailedError, which holds the value", async () => {
    const { server, clock, holdfast, record } = start();
    server.meddle = loseAnswers("complete", Number.POSITIVE_INFINITY);
    const before = clock.monotonicMs();
    const done = holdfast.once(job, () => "charged");
    await expect(clock.until(done)).rejects.toMatchObject({ name: "CompleteFailedError", value: "charged" });
    await expect(done).rejects.toBeInstanceOf(CompleteFailedError);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(60_000);
    expect((await record())?.state).toBe("completed");
    expect(clock.pending()).toBe(0);
  });

  test("because the try hangs is asked for again after the try's time", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "claim" && call.earlier === 0) await new Promise(() => {});
      return pass();
    };
    const before = clock.monotonicMs();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ replayed: false });
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(10_000);
    expect(new Set(claimIds()).size).toBe(1);
  });
});

describe("a claim that is refused", () => {
  test("with RetryInfo is sent again, and not before the delay it gives", async () => {
    const { server, clock, holdfast, count } = start();
    server.admission = new Fault("OVERLOADED", "busy", { retryAfterMs: 2_000 });
    const done = holdfast.once(job, () => 1);
    await clock.advance(1_999);
    expect(count("claim")).toBe(1);
    server.admission = null;
    expect(await clock.until(done)).toMatchObject({ value: 1 });
    expect(count("claim")).toBe(2);
  });

  test("without RetryInfo is not", async () => {
    const { server, clock, holdfast, count } = start();
    const exhausted = new ConnectError("message larger than max", Code.ResourceExhausted);
    server.meddle = () => Promise.reject(exhausted);
    const error = await clock.until(holdfast.once(job, () => 1).catch((thrown) => thrown));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "", cause: exhausted });
    expect(count("claim")).toBe(1);
  });

  test("by a bug of the server is sent once more", async () => {
    const { server, clock, holdfast, count } = start();
    server.meddle = () => server.refuse(new Fault("INTERNAL", "a bug"));
    await expect(clock.until(holdfast.once(job, () => 1))).rejects.toMatchObject({ reason: "INTERNAL" });
    expect(count("claim")).toBe(2);
  });

  test("by nobody, because no server is there, ends after the total time with the last error", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = () => Promise.reject(unavailable());
    const before = clock.monotonicMs();
    await expect(clock.until(holdfast.once(job, () => 1))).rejects.toMatchObject({ code: Code.Unavailable });
    expect(clock.monotonicMs() - before).toBeGreaterThan(50_000);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(60_000);
    expect(clock.pending()).toBe(0);
  });

  test("with CLAIM_ENDED, which it never held, is made anew with another claim_id", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = (call, pass) =>
      call.method === "claim" && call.earlier === 0
        ? server.refuse(new Fault("CLAIM_ENDED", "this attempt has ended"))
        : pass();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ value: 1 });
    expect(claimIds()).toHaveLength(2);
    expect(new Set(claimIds()).size).toBe(2);
  });
});

describe("a completion that is refused", () => {
  test("with RESULT_CONFLICT is ResultConflictError", async () => {
    const { server, holdfast } = start();
    server.meddle = (call, pass) =>
      call.method === "complete" ? server.refuse(new Fault("RESULT_CONFLICT", "ended otherwise")) : pass();
    await expect(holdfast.once(job, () => 1)).rejects.toBeInstanceOf(ResultConflictError);
  });

  test("with RESULT_TOO_LARGE ends the record without its result", async () => {
    const { server, holdfast, record } = start();
    server.meddle = (call, pass) =>
      call.method === "complete" && call.earlier === 0
        ? server.refuse(new Fault("RESULT_TOO_LARGE", "the limit is lower here"))
        : pass();
    const done = holdfast.once(job, () => "value");
    await expect(done).rejects.toMatchObject({ name: "ResultUnavailableError", why: "omitted", value: "value" });
    expect((await record())?.state).toBe("completed");
  });
});

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
