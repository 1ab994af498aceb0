import { expect, test } from "vitest";
import type { Race } from "../../../../proof/races/race.ts";
import { runRace } from "../../../../proof/races/run.ts";
import type { Tally } from "../../../../proof/races/tally.ts";

const DEPS = { url: "", seed: 7, size: "short", trials: null, boundMs: 1 } as const;

const race = (play: (tally: Tally) => void): Race => ({
  ...{ name: "one-other", what: "One races another.", controls: [] },
  orders: [
    { name: "one", by: "chance" },
    { name: "other", by: "chance" },
    { name: "neither", by: "chance", shareMin: 0 },
    { name: "at the lock", by: "force" },
  ],
  ...{ trials: { short: 100, usual: 100, full: 100 }, forced: { short: 8, usual: 8, full: 8 } },
  run: async ({ tally }) => play(tally),
});
const counted = (counts: Readonly<Record<string, number>>) =>
  runRace(
    race((tally) => {
      for (const [order, count] of Object.entries(counts)) tally.count(order, count);
    }),
    DEPS,
  );

test("a race is held when every order came about often enough", async () => {
  const report = await counted({ one: 89, other: 10, neither: 1, "at the lock": 8 });
  expect(report).toMatchObject({ verdict: "held", trials: 108 });
});

test.each([
  ["one that has to be a tenth is less", { one: 90, other: 9, neither: 1, "at the lock": 8 }, "other", 10],
  ["one of which the share does not matter never came about", { one: 50, other: 50, "at the lock": 8 }, "neither", 1],
  ["one was forced too rarely", { one: 50, other: 49, neither: 1, "at the lock": 7 }, "at the lock", 8],
  ["none came about, as where no trial was", { "at the lock": 8 }, "one", 1],
])("a race shows nothing where of its orders %s", async (_which, counts, name, least) => {
  const { verdict, orders } = await counted(counts as Readonly<Record<string, number>>);
  expect(verdict).toBe("not exercised");
  expect(orders.find(({ isEnough }) => !isEnough)).toMatchObject({ name, least });
});

test("a race shows nothing that did not take place as it should", async () => {
  const spoilt = race((tally) => {
    for (const [order, count] of Object.entries({ one: 50, other: 49, neither: 1, "at the lock": 8 }))
      tally.count(order, count);
    tally.spoil("nobody came");
  });
  expect(await runRace(spoilt, DEPS)).toMatchObject({ verdict: "not exercised", spoilt: ["nobody came"] });
});
