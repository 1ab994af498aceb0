import { describe, expect, test } from "vitest";
import { wakeId } from "../../../src/waiting/wake-id.ts";
import { finishOf, flagAsItIs } from "../../support/records.ts";
import { createOnlooker } from "../../support/waiting.ts";
import { settled } from "../store/manual-clock.ts";
import { createHubScene, KEY } from "./hub-scene.ts";

describe("the order of events", () => {
  test("an end that commits between the read and the flag leaves nothing to flag, so the record is read again", async () => {
    const { join, hold, complete, elsewhere, reads, told } = createHubScene();
    const proof = await hold();
    const stop = reads.stop("before", "watch");
    const { onlooker } = await join();
    await stop.reached;
    await complete(elsewhere, proof);
    expect(told).toEqual([]);
    stop.go();
    await settled();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("a takeover between the read and the flag is seen though the record is open again", async () => {
    const { join, hold, complete, elsewhere, reads, clock, notify } = createHubScene();
    await hold(KEY, 10_000);
    const stop = reads.stop("before", "watch");
    const { onlooker } = await join();
    await stop.reached;
    await clock.advance(11_000);
    const proof = await hold();
    stop.go();
    await settled();
    expect(onlooker.seen.map(({ record }) => record?.attempt)).toEqual([1, 2]);
    await complete(elsewhere, proof);
    await notify();
    expect(onlooker.states.at(-1)).toBe("completed");
  });

  test("a flag that another server sets first serves this one too", async () => {
    const { join, hold, complete, elsewhere, reads, notify } = createHubScene();
    const proof = await hold();
    const stop = reads.stop("before", "watch");
    const { onlooker } = await join();
    await stop.reached;
    await flagAsItIs(elsewhere, KEY);
    stop.go();
    await settled();
    expect(reads.counts).toMatchObject({ peek: 2, watch: 1 });
    await complete(elsewhere, proof);
    await notify();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("a notification that comes while the record is being read makes it be read once more", async () => {
    const { join, hold, complete, elsewhere, reads, notify } = createHubScene();
    const proof = await hold();
    await flagAsItIs(elsewhere, KEY);
    const stop = reads.stop("after", "peek");
    const { onlooker } = await join();
    await stop.reached;
    await complete(elsewhere, proof);
    await notify();
    stop.go();
    await settled();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("a notification that comes while the record is being flagged makes it be read once more", async () => {
    const { join, hold, complete, elsewhere, reads, notify } = createHubScene();
    const proof = await hold();
    const stop = reads.stop("after", "watch");
    const { onlooker } = await join();
    await stop.reached;
    await complete(elsewhere, proof);
    await notify();
    stop.go();
    await settled();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("who comes while the record is being flagged sees it, and costs no read", async () => {
    const { join, hold, reads } = createHubScene();
    await hold();
    const stop = reads.stop("after", "watch");
    await join();
    await stop.reached;
    const { onlooker } = await join();
    expect(onlooker.states).toEqual([]);
    stop.go();
    await settled();
    expect(onlooker.states).toEqual(["in-progress"]);
    expect(reads.counts).toMatchObject({ peek: 1, watch: 1 });
  });

  test("an end that was told while nobody listened is found when the listener is back", async () => {
    const { hub, join, hold, complete, elsewhere, told } = createHubScene({ pollMs: Number.POSITIVE_INFINITY });
    const proof = await hold();
    const { onlooker } = await join();
    hub.setListening(false);
    await settled();
    await complete(elsewhere, proof);
    told.length = 0;
    expect(onlooker.states).toEqual(["in-progress"]);
    hub.setListening(true);
    await settled();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("a listener that says again what it said costs nothing", async () => {
    const { hub, join, hold, reads } = createHubScene();
    await hold();
    await join();
    hub.setListening(true);
    await settled();
    expect(reads.counts.peek).toBe(1);
    expect(hub.isListening).toBe(true);
  });
});

describe("a database that does not answer", () => {
  test("a failed read is reported and tried again", async () => {
    const { join, hold, reads, failures, clock } = createHubScene();
    await hold();
    const stops = [reads.stop("before", "peek"), reads.stop("after", "peek")];
    const { onlooker } = await join();
    for (const [i, stop] of stops.entries()) {
      stop.fail(new Error(`failure ${i}`));
      await settled();
      expect(onlooker.states).toEqual([]);
      await clock.advance(250);
    }
    expect(failures.map(String)).toEqual(["Error: failure 0", "Error: failure 1"]);
    expect(onlooker.states).toEqual(["in-progress"]);
  });

  test.each(["before", "after"] as const)("a flag that failed %s it was set is set again", async (where) => {
    const { join, hold, complete, elsewhere, reads, failures, clock, notify } = createHubScene();
    const proof = await hold();
    const stop = reads.stop(where, "watch");
    const { onlooker } = await join();
    stop.fail(new Error("no database"));
    await settled();
    await clock.advance(250);
    expect(failures).toHaveLength(1);
    await complete(elsewhere, proof);
    await notify();
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
  });

  test("an end that comes meanwhile is seen when it answers again", async () => {
    const { join, hold, complete, elsewhere, here, reads, clock } = createHubScene();
    const proof = await hold();
    const { onlooker } = await join();
    const stops = Array.from({ length: 3 }, () => reads.stop("before", "peek"));
    for (const stop of stops) stop.fail(new Error("no database"));
    await complete(here, proof);
    expect(onlooker.states).toEqual(["in-progress"]);
    await clock.advance(1_000);
    expect(onlooker.states).toEqual(["in-progress", "completed"]);
    expect(await elsewhere.peek(KEY, Number.POSITIVE_INFINITY)).toMatchObject({ record: { state: "completed" } });
  });
});

describe("the backstop", () => {
  /** How long after a silent change the onlooker sees it, at worst, over changes at many moments of the period. */
  const worstMs = async (listening: boolean, random: () => number) => {
    let worst = 0;
    for (let offset = 0; offset < 2_000; offset += 37) {
      const { hub, join, hold, clock, reads, elsewhere } = createHubScene({ backstopMs: 1_000 }, random);
      hub.setListening(listening);
      const proof = await hold();
      let seenMs = Number.POSITIVE_INFINITY;
      const { leave } = await join(
        createOnlooker(({ record }) => {
          if (record?.state === "completed") seenMs = clock.monotonicMs();
        }),
      );
      await clock.advance(offset);
      await elsewhere.finish(finishOf({ proof }), Number.POSITIVE_INFINITY);
      const endedMs = clock.monotonicMs();
      for (let ms = 0; ms < 2_000 && seenMs === Number.POSITIVE_INFINITY; ms += 10) await clock.advance(10);
      worst = Math.max(worst, seenMs - endedMs);
      expect(reads.counts.peek).toBeLessThan(4 + ((offset + 2_000) / 200) * (listening ? 0.4 : 1.5));
      leave();
    }
    return worst;
  };

  test.each([0, 0.5, 0.999])("nobody waits longer than a period and a fifth, jitter %d", async (jitter) => {
    expect(await worstMs(true, () => jitter)).toBeLessThanOrEqual(1_200);
  });

  test.each([0, 0.5, 0.999])("while nobody listens that period is 250 ms, jitter %d", async (jitter) => {
    expect(await worstMs(false, () => jitter)).toBeLessThanOrEqual(300);
  });

  test("reads nothing that was read within the period for another reason", async () => {
    const { hub, join, hold, clock, reads } = createHubScene({ backstopMs: 1_000 });
    await hold(KEY, 600_000);
    await join();
    for (let i = 0; i < 20; i++) {
      await clock.advance(500);
      hub.notified([wakeId(KEY)]);
      await settled();
    }
    expect(reads.counts.peek).toBe(21);
  });

  test("looks at nothing once nobody waits, and again when somebody does", async () => {
    const { join, hold, clock, reads } = createHubScene({ backstopMs: 1_000 });
    await hold(KEY, 600_000);
    const { leave } = await join();
    leave();
    await clock.advance(5_000);
    expect(clock.sleepers).toBe(0);
    await join();
    const before = reads.counts.peek;
    await clock.advance(1_200);
    expect(reads.counts.peek).toBe(before + 1);
  });

  test("ends with the hub", async () => {
    const { hub, join, hold, clock, reads } = createHubScene({ backstopMs: 1_000 });
    await hold(KEY, 600_000);
    await join();
    hub[Symbol.dispose]();
    await clock.advance(10_000);
    expect(reads.counts.peek).toBe(1);
  });
});
