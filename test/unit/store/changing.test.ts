import { describe, expect, test } from "vitest";
import { createChanging } from "../../../src/store/postgres/changing.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { databaseError } from "./fake-database.ts";
import { createManualClock } from "./manual-clock.ts";

const CONTENDED = "55P03";
const connection: Connection = { query: () => Promise.reject(new Error("bug: nothing is asked here")) };

/** A lane whose turn comes `waitMs` after it is asked for, and a change of which `inTheWay` tries meet with something. */
function setUp({ waitMs = 0, inTheWay = [] as readonly (string | null)[] } = {}) {
  const clock = createManualClock();
  let sent = 0;
  const changing = createChanging({
    clock,
    async change(work) {
      await clock.advance(waitMs);
      return work(connection);
    },
  });
  const make = (deadline?: number) =>
    changing(deadline, async () => {
      const met = inTheWay[sent++];
      if (met === undefined) return "made";
      if (met === null) return null;
      throw databaseError(met);
    });
  return { clock, make, sent: () => sent };
}

const DEADLINE = { code: "DEADLINE_EXCEEDED" };
const AWAY = { code: "STORE_UNAVAILABLE" };
const times = <T>(count: number, what: T) => Array.from({ length: count }, () => what);

describe("a change", () => {
  test.each<[string, string | null]>([
    ["somebody's lock is in the way of", CONTENDED],
    ["a deadlock is broken up with", "40P01"],
    ["is overtaken", null],
  ])("that %s four times is made in the end", async (_, met) => {
    const own = setUp({ inTheWay: times(4, met) });
    expect(await own.make()).toBe("made");
    expect(own.sent()).toBe(5);
  });

  test("that somebody's lock is in the way of a fifth time is not, and what was met is told", async () => {
    const own = setUp({ inTheWay: times(9, CONTENDED) });
    await expect(own.make()).rejects.toMatchObject({ code: CONTENDED });
    expect(own.sent()).toBe(5);
  });

  test("that is overtaken a fifth time is not", async () => {
    const own = setUp({ inTheWay: times(9, null) });
    await expect(own.make()).rejects.toMatchObject(AWAY);
    expect(own.sent()).toBe(5);
  });

  test("that meets with anything else is sent once", async () => {
    const own = setUp({ inTheWay: times(9, "57014") });
    await expect(own.make()).rejects.toMatchObject({ code: "57014" });
    expect(own.sent()).toBe(1);
  });

  test.each<[string, number, number | undefined, object]>([
    ["whose deadline passes while it waits for its turn is not sent", 100, 100, DEADLINE],
    ["that waits for ten seconds without a deadline is not sent", 10_000, undefined, AWAY],
    ["that waits for ten seconds before its deadline is not sent", 10_000, 60_000, AWAY],
  ])("%s", async (_, waitMs, leftMs, fault) => {
    const own = setUp({ waitMs });
    const deadline = leftMs === undefined ? undefined : own.clock.monotonicMs() + leftMs;
    await expect(own.make(deadline)).rejects.toMatchObject(fault);
    expect(own.sent()).toBe(0);
  });

  test("is sent in the last millisecond before its deadline", async () => {
    const own = setUp({ waitMs: 99 });
    expect(await own.make(own.clock.monotonicMs() + 100)).toBe("made");
  });

  test.each<[string, number | undefined, number, object]>([
    ["its deadline", 2500, 2, DEADLINE],
    ["ten seconds", undefined, 2, AWAY],
  ])("is not sent again after %s", async (_, leftMs, sent, fault) => {
    const own = setUp({ waitMs: leftMs === undefined ? 4000 : 1000, inTheWay: times(9, CONTENDED) });
    const deadline = leftMs === undefined ? undefined : own.clock.monotonicMs() + leftMs;
    await expect(own.make(deadline)).rejects.toMatchObject(fault);
    expect(own.sent()).toBe(sent);
  });
});
