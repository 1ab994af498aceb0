import { describe, expect, test } from "vitest";
import { releaseRecord, resetRecord } from "../../support/operating.ts";
import { POLICY } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { checkpointOf, claim, finish, heartbeat, keyOf, next, openStand, progressOf, read } from "./wait-for-stand.ts";

const HOLD = { policy: { ...POLICY, hold: true } };

describe("a record that is waited for", () => {
  test("is told as it is, with what becomes of it, and its end", async () => {
    const { store, wait, hub } = openStand();
    const lease = await claim(store);
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot in-progress"]);
    await heartbeat(store, lease, progressOf("half"));
    expect(await reading.news()).toEqual(["0 progress half"]);
    await heartbeat(store, lease, checkpointOf(1n));
    expect(await reading.news()).toEqual(["0 checkpoint 1"]);
    await finish(store, lease);
    expect(await reading.news()).toEqual(["0 ended completed outcome", "finish done", "end of stream"]);
    expect(hub.status()).toEqual({ calls: 0, waiters: 0, keys: 0 });
  });

  test("that has ended already is told with its end", async () => {
    const { store, wait } = openStand();
    await finish(store, await claim(store), { kind: "terminal" });
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot failed", "0 ended failed", "finish done", "end of stream"]);
  });

  test("whose result is no longer kept has ended all the same", async () => {
    const { store, wait, clock } = openStand();
    await finish(store, await claim(store));
    await clock.advance(POLICY.resultRetentionMs);
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot expired", "0 ended expired", "finish done", "end of stream"]);
  });

  test("may be absent, until it is claimed", async () => {
    const { store, wait } = openStand();
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot absent"]);
    const lease = await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 1"]);
    await finish(store, lease);
    expect(await reading.news()).toEqual(["0 ended completed outcome", "finish done", "end of stream"]);
  });

  test("lapses when its holder is silent, and is taken over", async () => {
    const { store, wait, clock } = openStand();
    await claim(store);
    const reading = read(wait({ keepAliveMs: 60_000 }));
    await clock.advance(30_100);
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 lapsed 1"]);
    const lease = await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 2"]);
    await finish(store, lease);
    expect(await reading.news()).toEqual(["0 ended completed outcome", "finish done", "end of stream"]);
  });

  test("is not taken over by its own holder, who was late", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store);
    const reading = read(wait({ keepAliveMs: 60_000 }));
    await clock.advance(30_100);
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 lapsed 1"]);
    await heartbeat(store, lease);
    await clock.advance(300);
    expect(await reading.news()).toEqual([]);
    await clock.advance(29_699);
    expect(await reading.news()).toEqual(["finish timeout", "end of stream"]);
  });

  test("lapses again after its holder was late once", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store);
    const reading = read(wait({ keepAliveMs: 120_000, timeoutMs: 120_000 }));
    await clock.advance(30_100);
    await heartbeat(store, lease);
    await clock.advance(30_100);
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 lapsed 1", "0 lapsed 1"]);
  });

  test("is released by a failure that may be retried, at once or later", async () => {
    const { store, wait, clock } = openStand();
    const first = await claim(store);
    const reading = read(wait());
    await reading.news();
    await finish(store, first, { kind: "retryable" });
    expect(await reading.news()).toEqual(["0 released 1"]);
    const second = await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 2"]);
    await finish(store, second, { kind: "retryable", delayMs: 5_000 });
    expect(await reading.news()).toEqual(["0 retry-scheduled 2"]);
    await clock.advance(4_999);
    expect(await reading.news()).toEqual([]);
    await clock.advance(60);
    expect(await reading.news()).toEqual(["0 released 2"]);
  });

  test("is released by an operator, and by a reset, and taken over by the next", async () => {
    const { store, wait } = openStand();
    await claim(store);
    const reading = read(wait());
    await reading.news();
    await releaseRecord(store, keyOf());
    expect(await reading.news()).toEqual(["0 released 1"]);
    await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 2"]);
    await resetRecord(store, keyOf(), true);
    expect(await reading.news()).toEqual(["0 released 0"]);
    await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 1"]);
  });

  test("is unknown by lapse or by its holder's word, which is not the end", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store, HOLD);
    const reading = read(wait({ keepAliveMs: 60_000 }));
    await clock.advance(30_100);
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 outcome unknown"]);
    await finish(store, lease, { kind: "outcome-unknown" });
    expect(await reading.news()).toEqual(["0 outcome unknown"]);
    const reconciler = await claim(store, { ...HOLD, intent: "reconcile" });
    expect(await reading.news()).toEqual(["0 taken-over 1"]);
    await finish(store, reconciler, { kind: "outcome-unknown" });
    expect(await reading.news()).toEqual(["0 outcome unknown"]);
    await finish(store, lease);
    expect(await reading.news()).toEqual(["0 ended completed outcome", "finish done", "end of stream"]);
  });

  test("that nobody has claimed for long may be swept without a word: it could be claimed and still can", async () => {
    const { store, elsewhere, wait, clock } = openStand();
    await finish(store, await claim(store), { kind: "retryable" });
    await clock.advance(POLICY.resultRetentionMs);
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot available", "0 released 1"]);
    expect((await elsewhere.sweep(1)).abandoned).toBe(1);
    await clock.advance(300);
    expect(await reading.news()).toEqual([]);
    await claim(store);
    expect(await reading.news()).toEqual(["0 taken-over 1"]);
  });

  test("that lapsed and is swept is released", async () => {
    const { store, elsewhere, wait, clock } = openStand();
    await claim(store);
    await clock.advance(30_000 + POLICY.resultRetentionMs);
    const reading = read(wait());
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 lapsed 1"]);
    expect((await elsewhere.sweep(1)).abandoned).toBe(1);
    await clock.advance(300);
    expect(await reading.news()).toEqual(["0 released 1"]);
  });

  test("may be changed by another server, which is seen by polling", async () => {
    const { store, elsewhere, wait, clock } = openStand();
    const lease = await claim(store);
    const reading = read(wait());
    await reading.news();
    await finish(elsewhere, lease);
    expect(await reading.news()).toEqual([]);
    await clock.advance(350);
    expect(await reading.news()).toEqual(["0 ended completed outcome", "finish done", "end of stream"]);
  });

  test("keeps its end for a reader who comes late, though it is claimed again", async () => {
    const { store, wait } = openStand();
    const lease = await claim(store);
    const waiting = wait();
    expect(await next(waiting)).toBe("0 snapshot in-progress");
    await finish(store, lease, { kind: "terminal" });
    await settled();
    await claim(store, { reuse: "retry-failed" });
    await settled();
    expect([await next(waiting), await next(waiting), await next(waiting)]).toEqual([
      "0 ended failed",
      "finish done",
      "end of stream",
    ]);
  });
});
