import { expect, test } from "vitest";
import { parseOptions, timesOf } from "../../../../proof/faults/options.ts";
import type { Row } from "../../../../proof/faults/row.ts";

const row = (id: string, short: number | null): Row => ({
  ...{ id, fault: "nothing", times: { short, full: 100 } },
  inject: async () => undefined,
});
const [quick, slow] = [row("F01", 4), row("F02", null)];
const parse = (...args: readonly string[]) => parseOptions(args, [quick, slow], () => 42);
const optionsOf = (...args: readonly string[]) => {
  const parsed = parse(...args);
  if (parsed.kind !== "run") throw new Error(`not run: ${JSON.stringify(parsed)}`);
  return parsed.options;
};

test("without flags the quick rows run, with a seed of their own", () => {
  expect(optionsOf()).toEqual({
    ...{ rows: [quick], isFull: false, seed: 42, times: null },
    ...{ json: false, out: null, keep: null, controls: false },
  });
});

test("--full runs all rows, and --only those that it names, however long they take", () => {
  expect(optionsOf("--full").rows).toEqual([quick, slow]);
  expect(optionsOf("--only", "F02").rows).toEqual([slow]);
  expect(optionsOf("--short", "--only", "F02, F01").rows).toEqual([quick, slow]);
});

test("a row is done as often as it says, but for --times", () => {
  expect(timesOf(quick, optionsOf())).toBe(4);
  expect(timesOf(quick, optionsOf("--full"))).toBe(100);
  expect(timesOf(slow, optionsOf("--only", "F02"))).toBe(1);
  expect(timesOf(quick, optionsOf("--full", "--times", "7"))).toBe(7);
});

test("the rest is taken as it is given", () => {
  const given = optionsOf("--seed", "7", "--json", "--out", "report.json", "--keep", "kept", "--controls");
  expect(given).toMatchObject({ seed: 7, json: true, out: "report.json", keep: "kept", controls: true });
});

test.each([["--help"], ["-h"]])("help is given for %s, whatever else is said", (flag) => {
  expect(parse(flag, "--full", "--list")).toEqual({ kind: "help" });
});

test.each([
  [["--only", "F99"], '--only knows no row "F99"; there are F01, F02'],
  [["--full", "--short"], "--full and --short exclude each other"],
  [["--seed=-1"], "--seed takes a whole number from 0 to 4294967295"],
  [["--seed", "x"], "--seed takes a whole number from 0 to 4294967295"],
  [["--times", "0"], "--times takes a whole number from 1 to 10000000"],
  [["--times", "1.5"], "--times takes a whole number from 1 to 10000000"],
  [["--out"], "the flags are --only, --full, --short, --seed"],
  [["--fast"], "Unknown option '--fast'; the flags are --only"],
  [["F01"], "the flags are --only"],
])("%j is refused, with what is allowed", (args, why) => {
  expect(parse(...args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
});
