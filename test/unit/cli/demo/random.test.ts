import { expect, test } from "vitest";
import { createRandom } from "../../../../src/cli/demo/random.ts";

test("a seed gives the same numbers each time, and another seed others", () => {
  const draw = (seed: string) => {
    const random = createRandom(seed);
    return [random.fraction(), random.below(1_000), random.hex(8)];
  };
  expect(draw("a")).toEqual(draw("a"));
  expect(draw("a")).not.toEqual(draw("b"));
});

test("numbers stay within their bounds and reach both ends", () => {
  const random = createRandom("bounds");
  const drawn = Array.from({ length: 500 }, () => random.below(4));
  expect(new Set(drawn)).toEqual(new Set([0, 1, 2, 3]));
  const fractions = Array.from({ length: 500 }, () => random.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
});
