import { afterEach, describe, expect, test, vi } from "vitest";
import { ExpiredError } from "../../../src/client/client.ts";
import { charge, forEver, start, thrown, watch } from "./charge.ts";

const DAY_MS = 86_400_000;

describe("days pass in no time", () => {
  test("a result is replayed as long as it is kept, then a second run is refused, and then it may be run again", async () => {
    await using stage = start();
    const { clock, holdfast, state } = stage;
    const monthly = { ...charge, resultRetentionMs: 30 * DAY_MS, tombstoneRetentionMs: 300 * DAY_MS };
    await holdfast.once(monthly, () => "the first");
    await clock.advance(30 * DAY_MS - 1);
    expect(await holdfast.once(monthly, () => "another")).toMatchObject({ value: "the first", replayed: true });
    await clock.advance(1);
    expect(await thrown(holdfast.once(monthly, () => "another"))).toBeInstanceOf(ExpiredError);
    expect(await state()).toBe("expired");
    await clock.advance(300 * DAY_MS);
    expect(await state()).toBe(undefined);
    expect(await holdfast.once(monthly, () => "another")).toMatchObject({ value: "another", reason: "new" });
  });

  test("work of a night keeps its lease, and somebody waits all the while", async () => {
    await using stage = start();
    const { server, clock, holdfast } = stage;
    const long = holdfast.once(charge, () => clock.sleep(DAY_MS / 3).then(() => "at last"));
    const waiting = server.client().once(charge, () => "not me");
    const [first, second] = await clock.until(Promise.all([long, waiting]), DAY_MS);
    expect([first.attempt, first.value, second.value]).toEqual([1, "at last", "at last"]);
  });

  test("the clock shows what the records are stamped with", async () => {
    await using stage = start();
    const { clock, holdfast, record } = stage;
    expect(clock.now()).toEqual(new Date("2026-01-01T00:00:00Z"));
    await clock.advance(1_500);
    await holdfast.once(charge, () => 1);
    expect((await record())?.createTime).toEqual(new Date("2026-01-01T00:00:01.500Z"));
    expect((await record())?.resultExpireTime).toEqual(new Date("2026-01-02T00:00:01.500Z"));
  });
});

describe("advance", () => {
  test("does not resolve before what follows has happened, over turns of the event loop too", async () => {
    await using stage = start();
    const { clock, holdfast } = stage;
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const done = watch(
      (async () => {
        await clock.sleep(1_000);
        for (let i = 0; i < 2; i++) await turn();
        await holdfast.once(charge, async () => {
          for (let i = 0; i < 2; i++) await turn();
          return 1;
        });
        await clock.sleep(0);
        return "all";
      })(),
    );
    await clock.advance(1_000);
    expect(done.value).toBe("all");
  });

  test("rings what comes due in its order, each at its own time", async () => {
    await using stage = start();
    const { clock } = stage;
    const rung: string[] = [];
    const note = (name: string) => rung.push(`${name} at ${clock.now().getSeconds()}`);
    void clock.sleep(3_000).then(() => note("third"));
    void clock.sleep(1_000).then(async () => {
      note("first");
      await clock.sleep(1_000);
      note("second");
    });
    await clock.advance(10_000);
    expect(rung).toEqual(["first at 1", "second at 2", "third at 3"]);
  });

  test("by two at once moves by both", async () => {
    await using stage = start();
    const { clock } = stage;
    await Promise.all([clock.advance(1_000), clock.advance(2_000)]);
    expect(clock.now().getSeconds()).toBe(3);
  });

  test("of work by itself, as it runs, is allowed", async () => {
    await using stage = start();
    const { clock, holdfast } = stage;
    const done = await holdfast.once(charge, async ({ leaseRemainingMs }) => {
      await clock.advance(300_000);
      return leaseRemainingMs() > 0;
    });
    expect(done.value).toBe(true);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("by %s is refused", async (ms) => {
    await using stage = start();
    const error = await thrown(stage.clock.advance(ms));
    expect(error).toMatchObject({
      name: "TypeError",
      message: `advance() must be a number of milliseconds, 0 or more, and not ${ms}`,
    });
  });
});

describe("until", () => {
  test("takes as long as it has to, and no longer", async () => {
    await using stage = start();
    const { clock } = stage;
    expect(await clock.until(clock.sleep(7_000).then(() => "rung"))).toBe("rung");
    expect(clock.now().getSeconds()).toBe(7);
  });

  test("rejects as the promise does", async () => {
    await using stage = start();
    const { clock } = stage;
    const failing = clock.sleep(7_000).then(() => Promise.reject(new Error("of the work")));
    expect(await thrown(clock.until(failing))).toMatchObject({ message: "of the work" });
  });

  test("says so when nothing can change any more, and when it takes too long", async () => {
    await using stage = start();
    const { clock, holdfast } = stage;
    expect(await thrown(clock.until(forEver()))).toMatchObject({
      message: "the promise is open still, and nothing is left that time could change",
    });
    expect(await thrown(clock.until(holdfast.once(charge, forEver)))).toMatchObject({
      message: "the promise is open still after 3600000 ms of the manual clock",
    });
  });
});

describe("with timers of the test runner in place of Node's", () => {
  afterEach(() => void vi.useRealTimers());

  test("everything goes by the manual clock all the same", async () => {
    vi.useFakeTimers();
    await using stage = start();
    const { clock, faults, holdfast } = stage;
    faults.loseNextAnswer("complete");
    expect(await clock.until(holdfast.once(charge, () => clock.sleep(45_000).then(() => "paid")))).toMatchObject({
      value: "paid",
      attempt: 1,
    });
  });
});
