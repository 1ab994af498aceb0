import { expect, test } from "vitest";
import { MUTANTS } from "../../../../proof/sim/mutants.ts";
import { runOne, runSeeds } from "../../../../proof/sim/seeds.ts";
import { WEATHERS } from "../../../../proof/sim/weather.ts";

test.each(WEATHERS)("the same seed is the same run, step by step, when it is %s", async (weather) => {
  const options = { mutant: null, weather };
  const [one, other] = [await runOne(7, options, true), await runOne(7, options, true)];
  expect(one.trace.length).toBeGreaterThan(50);
  expect(one.trace.join("\n")).toBe(other.trace.join("\n"));
  expect(one).toEqual(other);
});

test("a run goes as it does whether or not its steps are written down", async () => {
  const options = { mutant: null, weather: null };
  const { trace, ...traced } = await runOne(11, options, true);
  const { trace: nothing, ...plain } = await runOne(11, options);
  expect(trace.length).toBeGreaterThan(0);
  expect(nothing).toEqual([]);
  expect(plain).toEqual(traced);
});

test("a run does not depend on those before it", async () => {
  const options = { mutant: null, weather: null };
  const alone = await runOne(13, options, true);
  await runSeeds({ ...options, from: 1, seeds: 5 });
  expect(await runOne(13, options, true)).toEqual(alone);
});

test("a seed that fails fails again, in the same step", async () => {
  const mutant = MUTANTS.find(({ id }) => id === "M14") ?? null;
  const { failing } = await runSeeds({ mutant, weather: null, from: 1, seeds: 3 });
  const [first] = failing;
  if (first === undefined) throw new Error("no seed fails");
  const again = await runOne(first.seed, { mutant, weather: null }, true);
  expect(again.fault).toBe(first.fault);
  expect(again.ms).toBe(first.atMs);
  expect(again.trace.join("\n")).toContain(`wrong: ${first.fault}`);
});

test("other seeds are other runs", async () => {
  const options = { mutant: null, weather: null };
  const traces = await Promise.all([1, 2, 3].map(async (seed) => (await runOne(seed, options, true)).trace.join()));
  expect(new Set(traces).size).toBe(3);
});
