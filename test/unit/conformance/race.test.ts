import { describe, expect, test } from "vitest";
import { createRandom, shuffled } from "../../../conformance/race/chance.ts";
import { createLedger } from "../../../conformance/race/ledger.ts";
import { HELP, parseOptions } from "../../../conformance/race/options.ts";
import { violationsOf } from "../../../conformance/race/run.ts";
import { spelling } from "../../../conformance/race/worker.ts";
import { fingerprint } from "../../../src/client/client.ts";

function open() {
  let times = 0;
  return createLedger((key) => `${key} ${++times}`);
}

describe("the ledger", () => {
  test("does the work of a key once, and tells a later attempt what came of it", () => {
    const ledger = open();
    ledger.begin("a", 0, 5n);
    expect(ledger.execute("a", 5n)).toBe("a 1");
    ledger.endAllOf(0);
    ledger.begin("a", 1, 6n);
    expect(ledger.execute("a", 6n)).toBe("a 1");
    expect(ledger.figures()).toMatchObject({ keys: 1, executions: 1, attempts: 2, foundDone: 1, overlaps: 0 });
  });

  test("refuses an attempt that a newer one has replaced, and counts that both were alive", () => {
    const ledger = open();
    ledger.begin("a", 0, 5n);
    ledger.begin("a", 1, 6n);
    expect(ledger.execute("a", 5n)).toBeUndefined();
    expect(ledger.figures()).toMatchObject({ executions: 0, refused: 1, overlaps: 1, fencesOutOfOrder: 0 });
  });

  test("counts a fence that is not above the one before", () => {
    const ledger = open();
    ledger.begin("a", 0, 5n);
    ledger.end("a", 0);
    ledger.begin("a", 1, 5n);
    expect(ledger.figures()).toMatchObject({ fencesOutOfOrder: 1, overlaps: 0 });
  });
});

describe("the verdict", () => {
  const ledger = { keys: 3, executions: 3, attempts: 4, foundDone: 1, refused: 0, overlaps: 0, fencesOutOfOrder: 0 };
  const figures = {
    workers: {},
    keys: 3,
    kills: 1,
    answers: 6,
    ledger,
    keysAnsweredAlike: 3,
    fingerprintsAlike: 3,
    seconds: 1,
  };
  const asked = { keys: 3, workers: 2, kills: 1 };

  test("finds nothing wrong where each key was done once and everybody agrees", () => {
    expect(violationsOf(figures, asked)).toEqual([]);
  });

  test.each([
    [{ ledger: { ...ledger, executions: 4 } }, "executions: 4 where there should be 3"],
    [{ ledger: { ...ledger, keys: 2 } }, "done: 2 where there should be 3"],
    [{ ledger: { ...ledger, fencesOutOfOrder: 1 } }, "outOfOrder: 1 where there should be 0"],
    [{ answers: 5 }, "answers: 5 where there should be 6"],
    [{ keysAnsweredAlike: 2 }, "keysAnsweredAlike: 2 where there should be 3"],
    [{ fingerprintsAlike: 2 }, "fingerprintsAlike: 2 where there should be 3"],
    [{ kills: 0 }, "kills: 0 where there should be 1"],
  ])("finds %j wrong", (change, violation) => {
    expect(violationsOf({ ...figures, ...change }, asked)).toEqual([violation]);
  });
});

test("the workers spell one input in many ways, and it is one input", () => {
  const texts = Array.from({ length: 8 }, (_, worker) => spelling("key-7", worker));
  expect(new Set(texts).size).toBeGreaterThan(4);
  const digests = texts.map((text) => Buffer.from(fingerprint(JSON.parse(text)).digest).toString("hex"));
  expect(new Set(digests).size).toBe(1);
});

test("a worker's order is its seed's, and keeps every key near its place", () => {
  const keys = Array.from({ length: 100 }, (_, i) => i);
  const order = shuffled(keys, createRandom(7));
  expect(order).toEqual(shuffled(keys, createRandom(7)));
  expect(order).not.toEqual(keys);
  expect([...order].sort((a, b) => a - b)).toEqual(keys);
  for (const [place, key] of order.entries()) expect(Math.abs(place - key)).toBeLessThan(13);
});

describe("the arguments", () => {
  test("are those of the whole race, or of the short one", () => {
    const languages = ["typescript", "python", "go"];
    const rest = { languages, seed: 3, json: false, out: null };
    const full = { kind: "run", options: { ...rest, workers: 8, keys: 1000, kills: 24 } };
    const short = { kind: "run", options: { ...rest, workers: 6, keys: 90, kills: 4 } };
    expect(parseOptions(["--seed", "3"])).toEqual(full);
    expect(parseOptions(["--seed", "3", "--short"])).toEqual(short);
  });

  test.each([
    [["--workers", "1"], "--workers takes a whole number from 2 to 64"],
    [["--keys", "0"], "--keys takes a whole number from 1 to 100000"],
    [["--keys", "5", "--kills", "5"], "--kills takes a number below that of --keys, which is 5"],
    [["--only", "java"], '--only knows no language "java"; there are typescript, python, go'],
    [["--kils", "1"], "the flags are --short, --workers"],
  ])("%j are refused, with what is allowed", (args, why) => {
    expect(parseOptions(args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
  });

  test("are each named in the help", () => {
    for (const flag of ["short", "workers", "keys", "kills", "only", "seed", "json", "out", "help"]) {
      expect(HELP).toContain(`--${flag}`);
    }
  });
});
