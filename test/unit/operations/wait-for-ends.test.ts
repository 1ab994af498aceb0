import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { NOW } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import {
  claim,
  createGuest,
  faultWords,
  finish,
  heartbeat,
  keyOf,
  next,
  openStand,
  progressOf,
  read,
  targetsOf,
} from "./wait-for-stand.ts";

const NOBODY = { calls: 0, waiters: 0, keys: 0 };

describe("a wait is finished, and leaves nothing behind,", () => {
  test("when its time is over", async () => {
    const { store, wait, clock, hub } = openStand();
    await claim(store);
    const reading = read(wait({ timeoutMs: 10_000 }));
    await clock.advance(9_999);
    expect(await reading.news()).toEqual(["0 snapshot in-progress"]);
    await clock.advance(1);
    expect(await reading.news()).toEqual(["finish timeout", "end of stream"]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("when its time is over and the database has not answered yet", async () => {
    const { wait, read: reads, clock, hub } = openStand();
    const peek = reads.stop("before", "peek");
    const reading = read(wait({ timeoutMs: 1_000 }));
    await clock.advance(1_000);
    expect(await reading.news()).toEqual(["finish timeout", "end of stream"]);
    peek.go();
    await settled();
    expect(hub.status()).toEqual(NOBODY);
  });

  test("when the server shuts down", async () => {
    const { store, wait, hub } = openStand();
    await claim(store);
    const reading = read(wait(targetsOf(keyOf(), keyOf("other"))));
    await reading.news();
    hub.drain();
    expect(await reading.news()).toEqual(["finish draining", "end of stream"]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("when its connection is to be given up", async () => {
    const { store, wait, hub } = openStand();
    await claim(store);
    const guest = createGuest();
    const reading = read(wait({}, guest));
    await reading.news();
    guest.retire();
    expect(await reading.news()).toEqual(["finish max-age", "end of stream"]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("before it has begun, on a connection that is given up already", async () => {
    const { wait, hub } = openStand();
    const guest = createGuest();
    guest.retire();
    expect(await read(wait({}, guest)).news()).toEqual(["finish max-age", "end of stream"]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("by what has been seen first: a reader who comes late is told that before the finish", async () => {
    const { store, wait, hub, clock } = openStand();
    const lease = await claim(store);
    const waiting = wait(targetsOf(keyOf(), keyOf("other")));
    expect([await next(waiting), await next(waiting)]).toEqual(["0 snapshot in-progress", "1 snapshot absent"]);
    await heartbeat(store, lease, progressOf("most"));
    await settled();
    hub.drain();
    await settled();
    // It has left, though it is being told still.
    expect(hub.status()).toEqual({ calls: 1, waiters: 0, keys: 0 });
    await clock.advance(120_000);
    expect([await next(waiting), await next(waiting)]).toEqual(["0 progress most", "finish draining"]);
  });

  test("as done, if all have ended when the server shuts down", async () => {
    const { store, wait, hub } = openStand();
    const waiting = wait();
    const lease = await claim(store);
    expect(await next(waiting)).toBe("0 snapshot in-progress");
    await finish(store, lease);
    await settled();
    hub.drain();
    expect([await next(waiting), await next(waiting)]).toEqual(["0 ended completed outcome", "finish done"]);
  });

  test("however fast the changes come", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store);
    const waiting = wait({ timeoutMs: 1_000 });
    await next(waiting);
    const told: string[] = [];
    for (let step = 1; told.at(-1) !== "finish timeout"; step++) {
      await heartbeat(store, lease, progressOf(`${step}`));
      await clock.advance(400);
      told.push(await next(waiting));
    }
    expect(told).toEqual(["0 progress 1", "0 progress 2", "0 progress 3", "finish timeout"]);
  });
});

describe("a caller who goes", () => {
  test("leaves at once, also while the next event is waited for", async () => {
    const { store, wait, clock, hub } = openStand();
    await claim(store);
    const guest = createGuest();
    const reading = read(wait(targetsOf(keyOf(), keyOf("other")), guest));
    await reading.news();
    guest.leave();
    expect(await reading.news()).toEqual(["CANCELLED: the caller has gone"]);
    expect(hub.status()).toEqual(NOBODY);
    await clock.advance(1_000);
    expect(clock.sleepers).toBe(0);
  });

  test("leaves at once, also while nobody asks for the next event", async () => {
    const { store, wait, hub } = openStand();
    await claim(store);
    const guest = createGuest();
    const waiting = wait({}, guest);
    await next(waiting);
    guest.leave();
    await settled();
    expect(hub.status()).toEqual(NOBODY);
    expect(await next(waiting).catch(faultWords)).toBe("CANCELLED: the caller has gone");
  });

  test("leaves at once, also before anything was read", async () => {
    const { wait, read: reads, hub } = openStand();
    const peek = reads.stop("before", "peek");
    const guest = createGuest();
    const reading = read(wait({}, guest));
    await peek.reached;
    guest.leave();
    expect(await reading.news()).toEqual(["CANCELLED: the caller has gone"]);
    expect(hub.status()).toMatchObject({ calls: 0, waiters: 0 });
    peek.go();
    await settled();
    expect(hub.status()).toEqual(NOBODY);
  });

  test("who has gone before is never waited for", async () => {
    const { wait, read: reads, hub } = openStand();
    const guest = createGuest();
    guest.leave();
    expect(await read(wait({}, guest)).news()).toEqual(["CANCELLED: the caller has gone"]);
    expect(reads.counts.peek).toBe(0);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("leaves by not reading on", async () => {
    const { store, wait, hub, clock } = openStand();
    await claim(store);
    const waiting = wait();
    await next(waiting);
    await waiting.return();
    await settled();
    expect(hub.status()).toEqual(NOBODY);
    await clock.advance(1_000);
    expect(clock.sleepers).toBe(0);
  });

  test("leaves by failing", async () => {
    const { store, wait, hub } = openStand();
    await claim(store);
    const waiting = wait();
    await next(waiting);
    const failure = new Error("the adapter's");
    await expect(waiting.throw(failure)).rejects.toBe(failure);
    await settled();
    expect(hub.status()).toEqual(NOBODY);
  });

  test("has left nothing behind if it never began to read", async () => {
    const { wait, hub } = openStand();
    await wait().return();
    expect(hub.status()).toEqual(NOBODY);
  });
});

describe("a keep-alive", () => {
  test("is told when nothing else was for an interval", async () => {
    const { store, wait, clock } = openStand();
    const lease = await claim(store, { leaseMs: 600_000 });
    const reading = read(wait({ keepAliveMs: 5_000 }));
    await clock.advance(4_999);
    expect(await reading.news()).toEqual(["0 snapshot in-progress"]);
    await clock.advance(1);
    expect(await reading.news()).toEqual(["keep-alive, polling"]);
    await clock.advance(3_000);
    await heartbeat(store, lease, progressOf("half"));
    await clock.advance(4_999);
    expect(await reading.news()).toEqual(["0 progress half"]);
    await clock.advance(10_001);
    expect(await reading.news()).toEqual(["keep-alive, polling", "keep-alive, polling", "keep-alive, polling"]);
  });

  test("says that the server polls only while it does", async () => {
    const { store, wait, clock, hub } = openStand();
    await claim(store, { leaseMs: 600_000 });
    const reading = read(wait({ keepAliveMs: 5_000 }));
    await reading.news();
    hub.setListening(true);
    await clock.advance(5_000);
    expect(await reading.news()).toEqual(["keep-alive"]);
    hub.setListening(false);
    await clock.advance(5_000);
    expect(await reading.news()).toEqual(["keep-alive, polling"]);
  });

  test("tells the database's time", async () => {
    const { wait, clock } = openStand();
    const waiting = wait();
    await next(waiting);
    const told = waiting.next();
    await clock.advance(15_000);
    expect((await told).value).toEqual({
      index: 0,
      event: { kind: "keep-alive", serverTime: addMs(NOW, 15_000), isPolling: true },
    });
  });

  test("comes without that while the database does not answer", async () => {
    const { wait, clock, read: reads } = openStand();
    const peek = reads.stop("before", "peek");
    const waiting = wait();
    const told = waiting.next();
    await clock.advance(15_000);
    expect((await told).value?.event).toEqual({ kind: "keep-alive", serverTime: null, isPolling: true });
    peek.go();
    expect(await next(waiting)).toBe("0 snapshot absent");
  });

  test("is counted from when the reader has taken the last event", async () => {
    const { wait, clock } = openStand();
    const waiting = wait();
    await next(waiting);
    await clock.advance(14_000);
    const told = waiting.next();
    await clock.advance(14_999);
    expect(clock.sleepers).toBeGreaterThan(0);
    await clock.advance(1);
    expect((await told).value?.event.kind).toBe("keep-alive");
  });
});
