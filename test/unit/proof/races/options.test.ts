import { expect, test } from "vitest";
import { helpOf, parseOptions } from "../../../../proof/races/options.ts";
import { RACES } from "../../../../proof/races/races.ts";

const parse = (...args: string[]) => parseOptions(args, RACES);
const whyNot = (...args: string[]) => {
  const parsed = parse(...args);
  return parsed.kind === "refused" ? parsed.why : parsed.kind;
};

test("without flags all races are run as often as usual, with any seed", () => {
  expect(parse()).toMatchObject({
    kind: "run",
    options: { races: RACES, size: "usual", trials: null, controls: false, json: false, out: null },
  });
});

test("every flag says what is run", () => {
  const flags = ["--trials", "500", "--only", "wait-complete,lost-wake-up", "--seed", "9", "--controls", "--json"];
  const parsed = parse(...flags, "--out", "races.json");
  const options = { size: "usual", trials: 500, seed: 9, controls: true, json: true, out: "races.json" };
  expect(parsed).toMatchObject({ kind: "run", options });
  if (parsed.kind !== "run") throw new Error(parsed.kind);
  expect(parsed.options.races.map(({ name }) => name)).toEqual(["wait-complete", "lost-wake-up"]);
  expect(parse("--full")).toMatchObject({ options: { size: "full", trials: null } });
});

test.each([
  [["--trials", "99"], "--trials takes a whole number from 100 to 10000000"],
  [["--trials", "1e3"], "--trials takes a whole number from 100 to 10000000"],
  [["--seed", "-1"], "--seed"],
  [["--seed", "x"], "--seed takes a whole number from 0 to 4294967295"],
  [["--only", "wait"], `--only knows no race "wait"; there are completion-reclaim, wait-complete,`],
  [["--full", "--trials", "100"], "--full and --trials say the same thing; give one of them"],
  [["--out", ""], "--out takes the name of a file"],
  [["--loud"], "the flags are --full, --trials, --only, --seed, --controls, --json, --out, --help"],
  [["wait-complete"], "the flags are --full"],
])("%j is refused, and the message says what is allowed", (args, why) => {
  expect(whyNot(...args)).toContain(why);
});

test("the help names every flag and every race", () => {
  const help = helpOf(RACES);
  for (const { name } of RACES) expect(help).toContain(name);
  for (const flag of ["--full", "--trials", "--only", "--seed", "--controls", "--json", "--out", "--help"]) {
    expect(help).toContain(flag);
  }
});
