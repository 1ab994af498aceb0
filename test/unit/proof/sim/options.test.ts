import { expect, test } from "vitest";
import { HELP, parseOptions } from "../../../../proof/sim/options.ts";

test("a thousand seeds are run unless told otherwise", () => {
  expect(parseOptions([])).toEqual({
    kind: "seeds",
    options: { from: 1, seeds: 1_000, mutant: null, weather: null, json: false },
  });
});

test("how many seeds, from which, in which weather and with which mutant can be said", () => {
  const parsed = parseOptions(["--seeds", "20", "--from", "5", "--weather", "deaf", "--mutant", "M8", "--json"]);
  expect(parsed).toMatchObject({ kind: "seeds", options: { from: 5, seeds: 20, weather: "deaf", json: true } });
  expect(parsed).toMatchObject({ options: { mutant: { id: "M8" } } });
});

test("one seed can be run alone, and its steps printed", () => {
  expect(parseOptions(["--seed", "77"])).toMatchObject({ kind: "seeds", options: { from: 77, seeds: 1 } });
  expect(parseOptions(["--seed", "77", "--trace"])).toMatchObject({ kind: "trace", options: { from: 77 } });
});

test("the help names every flag", () => {
  for (const flag of ["seeds", "from", "seed", "trace", "weather", "mutant", "mutants", "json", "help"]) {
    expect(HELP).toContain(`--${flag}`);
  }
  expect(parseOptions(["--help"])).toEqual({ kind: "help" });
});

test.each([
  [["--seeds", "0"], /^--seeds takes a whole number from 1 to/],
  [["--seeds", "ten"], /^--seeds takes a whole number/],
  [["--from", "1.5"], /^--from takes a whole number from 0 to/],
  [["--seed", ""], /^--seed takes a whole number/],
  [["--seed", "4294967296"], /^--seed takes a whole number from 0 to 4294967295$/],
  [["--weather", "sunny"], /^--weather takes one of calm, brief, deaf, lossy, frozen, stormy$/],
  [["--mutant", "M17"], /^--mutant takes one of M1, M2/],
  [["--trace"], /^--trace needs --seed/],
  [["--seed", "1", "--seeds", "2"], /^--seed is one seed/],
  [["--mutants", "--weather", "calm"], /^--mutants runs each mutant in its own weather/],
  [["--sedes", "3"], /--sedes.*the flags are --seeds, --from/],
  [["--seeds"], /--seeds.*the flags are/],
  [["7"], /7.*the flags are/],
])("%j is refused, and it says what is allowed", (args, why) => {
  expect(parseOptions(args)).toEqual({ kind: "refused", why: expect.stringMatching(why) });
});
