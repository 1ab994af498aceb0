import { expect, test } from "vitest";
import { HELP, PARTS, parseOptions } from "../../../../proof/hostile/options.ts";

test("without flags everything is run for a while, with the first seed", () => {
  const options = { seed: 1, only: null, from: 0, extent: { kind: "seconds", seconds: 10 }, json: false, out: null };
  expect(parseOptions([])).toEqual({ kind: "run", options });
});

test("one input is run again by its number", () => {
  const parsed = parseOptions(["--only", "messages", "--seed", "7", "--from", "1306", "--runs", "1"]);
  expect(parsed).toMatchObject({
    kind: "run",
    options: { only: "messages", seed: 7, from: 1306, extent: { kind: "runs", runs: 1 } },
  });
});

test.each([
  [["--seed=-1"], "--seed takes a whole number from 0 to 4294967295"],
  [["--seed", "1.5"], "--seed takes a whole number from 0 to 4294967295"],
  [["--seconds", "0"], "--seconds takes a whole number from 1 to 86400"],
  [["--runs", "none"], "--runs takes a whole number from 1 to 100000000"],
  [["--from", ""], "--from takes a whole number from 0 to 100000000"],
  [["--seconds", "1", "--runs", "1"], "--seconds and --runs exclude each other"],
  [["--only", "everything"], `--only takes one of ${PARTS.join(", ")}`],
  [
    ["--fast"],
    "Unknown option '--fast'; the flags are --seed, --seconds, --runs, --only, --from, --json, --out, --help",
  ],
])("%s is refused, with what is allowed", (args, why) => {
  expect(parseOptions(args)).toEqual({ kind: "refused", why });
});

test("help names every part and fits a terminal", () => {
  expect(parseOptions(["--help"])).toEqual({ kind: "help" });
  for (const part of PARTS) expect(HELP).toContain(part);
  for (const line of HELP.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
});
