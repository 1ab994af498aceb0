import { describe, expect, test } from "vitest";
import { resetRecord } from "../../support/operating.ts";
import { claimIdOf, fingerprintOf } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import {
  checkpointOf,
  claim,
  finish,
  heartbeat,
  keyOf,
  next,
  openStand,
  progressOf,
  read,
  targetsOf,
} from "./wait-for-stand.ts";

describe("several records", () => {
  const [a, b, c] = [keyOf("a"), keyOf("b"), keyOf("c")];

  test("ALL is done when each has ended, in whichever order", async () => {
    const { store, wait, hub } = openStand();
    const [first, second] = [await claim(store, { key: a }), await claim(store, { key: b })];
    const reading = read(wait(targetsOf(a, b, c)));
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "1 snapshot in-progress", "2 snapshot absent"]);
    await finish(store, second, { key: b });
    expect(await reading.news()).toEqual(["1 ended completed outcome"]);
    expect(hub.status()).toEqual({ calls: 1, waiters: 2, keys: 2 });
    const third = await claim(store, { key: c });
    await finish(store, third, { key: c });
    await finish(store, first, { key: a });
    expect((await reading.news()).slice(-2)).toEqual(["finish done", "end of stream"]);
    expect(hub.status()).toEqual({ calls: 0, waiters: 0, keys: 0 });
  });

  test("ANY is done when the first has ended", async () => {
    const { store, wait, hub } = openStand();
    await claim(store, { key: a });
    const lease = await claim(store, { key: b });
    const reading = read(wait({ ...targetsOf(a, b), mode: "any" }));
    await reading.news();
    await heartbeat(store, lease, { key: b, ...progressOf("most") });
    expect(await reading.news()).toEqual(["1 progress most"]);
    await finish(store, lease, { key: b });
    expect(await reading.news()).toEqual(["1 ended completed outcome", "finish done", "end of stream"]);
    expect(hub.status()).toEqual({ calls: 0, waiters: 0, keys: 0 });
  });

  test("ANY with one that has ended begins with snapshots all the same", async () => {
    const { store, wait } = openStand();
    await finish(store, await claim(store, { key: b }), { key: b });
    const reading = read(wait({ ...targetsOf(a, b), mode: "any" }));
    expect(await reading.news()).toEqual([
      "0 snapshot absent",
      "1 snapshot completed",
      "1 ended completed outcome",
      "finish done",
      "end of stream",
    ]);
  });

  test("the same one twice is answered twice", async () => {
    const { store, wait } = openStand();
    const lease = await claim(store);
    const reading = read(wait(targetsOf(keyOf(), keyOf())));
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "1 snapshot in-progress"]);
    await finish(store, lease);
    expect(await reading.news()).toEqual([
      "0 ended completed outcome",
      "1 ended completed outcome",
      "finish done",
      "end of stream",
    ]);
  });

  test("a thousand calls that wait for one record read it once and then for its end", async () => {
    const { store, wait, read: counted, hub } = openStand({ pollMs: Number.POSITIVE_INFINITY });
    hub.setListening(true);
    const lease = await claim(store);
    const readings = Array.from({ length: 1000 }, () => read(wait()));
    for (const reading of readings) expect(await reading.news()).toEqual(["0 snapshot in-progress"]);
    expect(counted.counts).toMatchObject({ peek: 1, watch: 1 });
    await finish(store, lease);
    for (const reading of readings) expect((await reading.news()).at(-2)).toBe("finish done");
    expect(counted.counts).toMatchObject({ peek: 2, watch: 1 });
  });
});

describe("a reader who is slower than the changes", () => {
  test("is told the newest of them", async () => {
    const { store, wait } = openStand();
    const lease = await claim(store);
    const waiting = wait();
    expect(await next(waiting)).toBe("0 snapshot in-progress");
    for (const step of [1n, 2n, 3n]) {
      await heartbeat(store, lease, { ...progressOf(`${step} of 3`), ...checkpointOf(step) });
      await settled();
    }
    expect([await next(waiting), await next(waiting)]).toEqual(["0 progress 3 of 3", "0 checkpoint 3"]);
    await finish(store, lease, { kind: "retryable" });
    await finish(store, await claim(store));
    await settled();
    expect([await next(waiting), await next(waiting)]).toEqual(["0 ended completed outcome", "finish done"]);
  });

  test("is told nothing of what has become as it was", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store);
    const waiting = wait();
    expect(await next(waiting)).toBe("0 snapshot in-progress");
    await clock.advance(30_100);
    await heartbeat(store, lease);
    await clock.advance(300);
    const told = next(waiting);
    await clock.advance(15_000);
    expect(await told).toBe("keep-alive, polling");
  });

  test("is told of every record in turn, however often one of them changes", async () => {
    const { store, wait } = openStand();
    const [a, b] = [keyOf("a"), keyOf("b")];
    const [busy, calm] = [await claim(store, { key: a }), await claim(store, { key: b })];
    const waiting = wait(targetsOf(a, b));
    await next(waiting);
    await next(waiting);
    const work = async (step: number) => {
      await heartbeat(store, busy, { key: a, ...progressOf(`${step}`) });
      await settled();
    };
    await work(1);
    await heartbeat(store, calm, { key: b, ...progressOf("calm") });
    await settled();
    expect(await next(waiting)).toBe("0 progress 1");
    await work(2);
    expect(await next(waiting)).toBe("1 progress calm");
    expect(await next(waiting)).toBe("0 progress 2");
  });
});

describe("who comes while the record is what it was", () => {
  test("is not told of an end that was read before it came: the record may have been claimed again", async () => {
    const { elsewhere, wait, read: reads, clock } = openStand();
    const lease = await claim(elsewhere);
    const first = read(wait());
    await first.news();
    const stop = reads.stop("after", "peek");
    await finish(elsewhere, lease, { kind: "terminal" });
    await clock.advance(1_300);
    await stop.reached;
    await claim(elsewhere, { claimId: claimIdOf("again"), reuse: "retry-failed" });
    const second = read(wait());
    await settled();
    stop.go();
    expect((await first.news()).at(-1)).toBe("end of stream");
    expect(await second.news()).toEqual(["0 snapshot in-progress"]);
  });

  test("is not failed by a fingerprint that was read before it came: the record may have been reset", async () => {
    const { elsewhere, wait, hub } = openStand();
    hub.setListening(true);
    await claim(elsewhere, { fingerprint: fingerprintOf("before") });
    const first = read(wait());
    await first.news();
    await resetRecord(elsewhere, keyOf(), true);
    await claim(elsewhere, { claimId: claimIdOf("after"), fingerprint: fingerprintOf("after") });
    const second = read(wait({ targets: [{ key: keyOf(), fingerprint: fingerprintOf("after") }] }));
    expect(await second.news()).toEqual(["0 snapshot in-progress"]);
  });
});
