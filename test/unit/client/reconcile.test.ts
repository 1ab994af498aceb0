import { describe, expect, test } from "vitest";
import { type Attempt, outcomeUnknown, type Verdict } from "../../../src/client/client.ts";
import { createFakeServer } from "./fake-server.ts";

const record = { scope: "charge", key: "evt_1" } as const;
const job = { ...record, input: null, onLeaseExpiry: "hold", leaseMs: 3_000 } as const;
const name = { tenant: "default", ...record };

function start() {
  const server = createFakeServer();
  const holdfast = server.client({ owner: { service: "billing", instance: "pod-1" } });
  const stored = async () => (await server.store.peek(name, Number.POSITIVE_INFINITY)).record;
  /** Leaves the outcome unknown, as a worker does whose provider timed out. */
  const leaveUnknown = () =>
    holdfast
      .once({ ...job, metadata: { order: "7" } }, async (attempt) => {
        await attempt.setExternalRef("pi_1");
        await attempt.checkpoint({ step: 1 });
        throw outcomeUnknown("the provider timed out");
      })
      .catch(() => undefined);
  return { server, clock: server.clock, holdfast, stored, leaveUnknown };
}

describe("reconciling an unknown outcome", () => {
  test("shows what the attempt left behind", async () => {
    const { server, leaveUnknown, stored } = start();
    await leaveUnknown();
    const fence = (await stored())?.lease.fence ?? 0n;
    await server.client().reconcile(record, async (unknown) => {
      expect(unknown).toMatchObject({
        attempt: 1,
        owner: { service: "billing", instance: "pod-1" },
        externalRef: "pi_1",
        metadata: { order: "7" },
        lastCheckpoint: { data: { step: 1 } },
        previousError: { message: "the provider timed out" },
      });
      expect(unknown.fence).toBeGreaterThan(fence);
      expect(unknown.leaseRemainingMs()).toBe(30_000);
      return { unknown: true };
    });
  });

  test.each([
    [{ done: "charged" }, "done", "completed", 1],
    [{ failed: "no such card" }, "failed", "failed", 1],
    [{ notStarted: true }, "not-started", "available", 0],
    [{ retry: true }, "retry", "available", 1],
    [{ retry: { delayMs: 5_000 } }, "retry", "available", 1],
    [{ unknown: true }, "unknown", "outcome-unknown", 1],
  ] as readonly (readonly [Verdict<string>, string, string, number])[])(
    "stores the verdict %j",
    async (verdict, told, state, attempt) => {
      const { clock, holdfast, stored, leaveUnknown } = start();
      await leaveUnknown();
      const answer = await holdfast.reconcile(record, async () => verdict);
      expect(answer).toEqual({ kind: "settled", verdict: told });
      expect(await stored()).toMatchObject({ state, attempt });
      expect(clock.pending()).toBe(0);
    },
  );

  test("with a result has it replayed to everybody", async () => {
    const { holdfast, leaveUnknown } = start();
    await leaveUnknown();
    await holdfast.reconcile(record, async () => ({ done: { charge: "ch_1" } }));
    expect(await holdfast.once(job, () => ({}))).toMatchObject({ value: { charge: "ch_1" }, replayed: true });
  });

  test("is held by heartbeats for as long as the judge takes", async () => {
    const { clock, holdfast, leaveUnknown } = start();
    await leaveUnknown();
    const answer = holdfast.reconcile({ ...record, leaseMs: 1_000 }, async ({ signal }) => {
      await clock.sleep(10_000, signal);
      return { notStarted: true };
    });
    expect(await clock.until(answer)).toEqual({ kind: "settled", verdict: "not-started" });
  });

  test("by a judge who throws leaves the outcome unknown, and throws the error", async () => {
    const { holdfast, stored, leaveUnknown } = start();
    await leaveUnknown();
    const broken = new Error("the ledger is down");
    await expect(holdfast.reconcile(record, () => Promise.reject(broken))).rejects.toBe(broken);
    expect((await stored())?.state).toBe("outcome-unknown");
  });

  test("loses to the attempt itself, should it complete after all", async () => {
    const { server, clock, holdfast } = start();
    const entered = Promise.withResolvers<Attempt>();
    const leave = Promise.withResolvers<string>();
    const down = { now: true };
    server.meddle = (call, pass) => (call.method === "heartbeat" && down.now ? new Promise<never>(() => {}) : pass());
    const suspect = holdfast.once(job, (attempt) => {
      entered.resolve(attempt);
      return leave.promise;
    });
    await entered.promise;
    await clock.advance(3_000);
    const answer = await server.client().reconcile(record, async () => {
      leave.resolve("it went through");
      expect(await suspect).toMatchObject({ value: "it went through", replayed: false });
      return { notStarted: true };
    });
    expect(answer).toEqual({ kind: "superseded" });
    expect(await holdfast.once(job, () => "again")).toMatchObject({ value: "it went through", replayed: true });
  });
});

describe("reconciling a record whose outcome is not unknown", () => {
  const never = () => Promise.reject(new Error("nothing to judge"));

  test("that is absent says so", async () => {
    expect(await start().holdfast.reconcile(record, never)).toEqual({ kind: "absent" });
  });

  test("that can be claimed says so", async () => {
    const { holdfast } = start();
    await holdfast
      .once({ ...job, onLeaseExpiry: "reacquire" }, () => Promise.reject(new Error()))
      .catch(() => undefined);
    expect(await holdfast.reconcile(record, never)).toEqual({ kind: "available" });
  });

  test("that somebody works on says so, and when to ask again", async () => {
    const { holdfast } = start();
    await holdfast.once(job, async () => {
      const answer = await holdfast.reconcile(record, never);
      expect(answer.kind).toBe("in-progress");
      expect(answer).toHaveProperty("retryAfterMs", expect.any(Number));
    });
  });

  test("that has ended gives what is stored", async () => {
    const { holdfast, clock } = start();
    await holdfast.once({ ...job, resultRetentionMs: 60_000 }, () => ({ paid: true }));
    expect(await holdfast.reconcile(record, never)).toEqual({ kind: "completed", value: { paid: true } });
    await clock.advance(60_000);
    expect(await holdfast.reconcile(record, never)).toEqual({ kind: "expired" });
  });

  test("that another one reconciles says in progress", async () => {
    const { server, holdfast, leaveUnknown } = start();
    await leaveUnknown();
    await holdfast.reconcile(record, async () => {
      expect(await server.client().reconcile(record, never)).toMatchObject({ kind: "in-progress" });
      return { unknown: true };
    });
  });
});
