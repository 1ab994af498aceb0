import { describe, expect, test } from "vitest";
import type { Arm } from "../../../bench/arms.ts";
import { ARMS } from "../../../bench/arms.ts";
import { parseOptions, type RunOptions } from "../../../bench/options.ts";

const arm = (id: string, usualSeconds: number | null): Arm => ({
  ...{ id, usualSeconds, about: `${id} against itself` },
  load: () => Promise.reject(new Error("bug: loaded")),
});
const arms = [arm("pairs", 20), arm("replay", 10), arm("idle", null)];

function options(...args: readonly string[]): RunOptions {
  const parsed = parseOptions(args, arms);
  if (parsed.kind !== "run") throw new Error(`not run: ${JSON.stringify(parsed)}`);
  return parsed.options;
}

const idsOf = (run: RunOptions) => run.arms.map(({ id }) => id);

test("without a flag the short arms run, with --full all of them", () => {
  expect(idsOf(options())).toEqual(["pairs", "replay"]);
  expect(idsOf(options("--full"))).toEqual(["pairs", "replay", "idle"]);
});

test("--only chooses any arm, and keeps their order", () => {
  expect(idsOf(options("--only", "idle,pairs"))).toEqual(["pairs", "idle"]);
});

test("what somebody chose by name is known from what runs without a choice", () => {
  expect([options().isChosen, options("--full").isChosen, options("--only", "pairs").isChosen]).toEqual([
    ...[false, false, true],
  ]);
});

test("--full has more rounds and longer ones, unless it is told how many", () => {
  const [short, full] = [options(), options("--full")];
  expect(full.rounds).toBeGreaterThan(short.rounds);
  expect(full.ms).toBeGreaterThan(short.ms);
  expect(options("--full", "--rounds", "2", "--seconds", "0.5")).toMatchObject({ rounds: 2, ms: 500 });
});

test("--json and --out say where the report goes", () => {
  expect(options()).toMatchObject({ json: false, out: null });
  expect(options("--json", "--out", "report.json")).toMatchObject({ json: true, out: "report.json" });
});

test("--help and --list run nothing", () => {
  expect(parseOptions(["--help"], arms)).toEqual({ kind: "help" });
  expect(parseOptions(["-h"], arms)).toEqual({ kind: "help" });
  expect(parseOptions(["--list"], arms)).toEqual({ kind: "list" });
});

describe("a flag that makes no sense is refused with what is allowed", () => {
  const ROUNDS = "--rounds takes a whole number from 1 to 100";
  const SECONDS = "--seconds takes a number above 0, up to 60";
  test.each([
    [["--rounds", "0"], ROUNDS],
    [["--rounds", "1.5"], ROUNDS],
    [["--rounds", "many"], ROUNDS],
    [["--rounds", ""], ROUNDS],
    [["--rounds", "101"], ROUNDS],
    [["--seconds", "0"], SECONDS],
    [["--seconds=-1"], SECONDS],
    [["--seconds", "61"], SECONDS],
    [["--seconds", "soon"], SECONDS],
    [["--only", "pears"], '--only knows no arm "pears"; there are pairs, replay, idle'],
    [["--only", "pairs,"], '--only knows no arm ""; there are pairs, replay, idle'],
    [["--fast"], "Unknown option '--fast'; the flags are --rounds, --seconds, --only, --full"],
    [["pairs"], "Unexpected argument 'pairs'; the flags are --rounds"],
    [["--rounds"], "Option '--rounds <value>' argument missing; the flags are"],
  ])("%j", (args, why) => {
    expect(parseOptions(args, arms)).toEqual({ kind: "refused", why: expect.stringContaining(why) });
  });
});

test("the arms have names of their own, fit for a command line", () => {
  const ids = ARMS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
});
