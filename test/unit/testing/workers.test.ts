import { describe, expect, test } from "vitest";
import { LeaseLostError, OutcomeUnknownError } from "../../../src/client/client.ts";
import { charge, forEver, start, thrown, watch } from "./charge.ts";

describe("a worker that dies mid-work", () => {
  test("keeps its record until the lease is over, and then somebody else does the work", async () => {
    await using stage = start();
    const { server, clock, faults, record } = stage;
    const doomed = server.client();
    void doomed.once(charge, forEver);
    await clock.advance(0);
    await faults.kill(doomed);

    const other = watch(stage.holdfast.once(charge, ({ number }) => ({ paidBy: number })));
    await clock.advance(29_000);
    expect(other.state).toBe("open");
    expect(await record()).toMatchObject({ state: "in-progress", attempt: 1 });
    await clock.advance(2_000);
    expect(other).toMatchObject({
      state: "kept",
      value: { value: { paidBy: 2 }, reason: "takeover", replayed: false },
    });
    expect(await record()).toMatchObject({ state: "completed", attempt: 2, value: { paidBy: 2 } });
  });

  test("is not heard of any more: no heartbeat, no end, no promise kept", async () => {
    await using stage = start();
    const { server, clock, faults, state } = stage;
    const doomed = server.client();
    const work = Promise.withResolvers<string>();
    const first = watch(doomed.once(charge, () => work.promise));
    await clock.advance(60_000);
    expect(await state()).toBe("in-progress");
    await faults.kill(doomed);
    work.resolve("done");
    const late = watch(doomed.once({ ...charge, key: "evt_2" }, () => "too"));
    await clock.advance(60_000);
    expect([first.state, late.state]).toEqual(["open", "open"]);
    expect(await stage.records.list()).toMatchObject([{ key: "evt_1", state: "in-progress" }]);
    await doomed.close();
  });

  test("leaves an unknown outcome under hold, which a reconciler settles", async () => {
    await using stage = start();
    const { server, clock, faults, holdfast, state } = stage;
    const doomed = server.client({ owner: { service: "billing", instance: "b-7" } });
    const payment = { ...charge, onLeaseExpiry: "hold" } as const;
    void doomed.once(payment, async (attempt) => {
      await attempt.setExternalRef("pi_3");
      return forEver();
    });
    await clock.advance(0);
    await faults.kill(doomed);
    await clock.advance(30_000);
    expect(await state()).toBe("outcome-unknown");
    expect(await thrown(holdfast.once(payment, () => "never run"))).toBeInstanceOf(OutcomeUnknownError);

    const verdict = await holdfast.reconcile<string>(charge, async ({ externalRef, owner }) => ({
      done: `${externalRef} of ${owner?.instance}`,
    }));
    expect(verdict).toEqual({ kind: "settled", verdict: "done" });
    expect(await holdfast.once(payment, () => "never run")).toMatchObject({ value: "pi_3 of b-7", replayed: true });
  });

  test("counts as an attempt, and after the last one whoever watches is told that it has failed", async () => {
    await using stage = start();
    const { server, clock, faults, holdfast } = stage;
    const doomed = server.client();
    void doomed.once({ ...charge, maxAttempts: 1 }, forEver);
    await clock.advance(0);
    const watched = watch(holdfast.result(charge));
    await faults.kill(doomed);
    await clock.advance(45_000);
    expect(watched).toMatchObject({ state: "broken", error: { name: "FailedError", failReason: "max-attempts" } });
  });
});

test("a worker whose lease was given to somebody else is refused, however sure it is of it", async () => {
  await using stage = start();
  const { server, clock, faults, holdfast, record } = stage;
  const slow = Promise.withResolvers<string>();
  let told: unknown;
  const first = watch(
    server.client().once(charge, ({ signal }) => {
      signal.addEventListener("abort", () => {
        told = signal.reason;
      });
      return slow.promise;
    }),
  );
  await clock.advance(0);
  const second = watch(holdfast.once(charge, () => "the second"));
  await faults.expireLease(charge.scope, charge.key);
  expect(second).toMatchObject({ state: "kept", value: { value: "the second", attempt: 2 } });
  await clock.advance(10_000);
  expect(told).toBeInstanceOf(LeaseLostError);
  slow.resolve("the first");
  await clock.advance(0);
  expect(first).toMatchObject({ state: "broken", error: { name: "LeaseLostError", why: "superseded" } });
  expect(await record()).toMatchObject({ value: "the second" });
});

test("a lease that was expired while nobody waits is the holder's again with its next heartbeat", async () => {
  await using stage = start();
  const { clock, faults, holdfast, record } = stage;
  const work = Promise.withResolvers<string>();
  const done = watch(holdfast.once(charge, () => work.promise));
  await clock.advance(0);
  await faults.expireLease(charge.scope, charge.key);
  await clock.advance(60_000);
  expect(await record()).toMatchObject({ state: "in-progress", attempt: 1 });
  work.resolve("done");
  await clock.advance(0);
  expect(done.state).toBe("kept");
});
