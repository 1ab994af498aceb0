import { expect, test } from "vitest";
import { ARMS } from "../../../bench/arms.ts";
import { leftFor } from "../../../bench/bound.ts";

const USUAL = { full: false, isChosen: false, rounds: 3, ms: 600 };

/** As long as usual. */
const passed = (ms: number) => ({ ms, usualSeconds: ms / 1000 });

test("an arm begins when what it usually takes is left of five minutes", () => {
  expect(leftFor({ usualSeconds: 30 }, USUAL, { ms: 0, usualSeconds: 0 })).toBe(true);
  expect(leftFor({ usualSeconds: 30 }, USUAL, passed(270_000))).toBe(true);
  expect(leftFor({ usualSeconds: 30 }, USUAL, passed(270_001))).toBe(false);
});

test("more rounds and longer ones take longer, fewer are no promise", () => {
  expect(leftFor({ usualSeconds: 30 }, { ...USUAL, rounds: 6 }, passed(250_000))).toBe(false);
  expect(leftFor({ usualSeconds: 30 }, { ...USUAL, ms: 100 }, passed(270_001))).toBe(false);
});

test("where those before it took twice as long as usual, so will this", () => {
  expect(leftFor({ usualSeconds: 30 }, USUAL, { ms: 240_000, usualSeconds: 120 })).toBe(true);
  expect(leftFor({ usualSeconds: 31 }, USUAL, { ms: 240_000, usualSeconds: 120 })).toBe(false);
  expect(leftFor({ usualSeconds: 30 }, USUAL, { ms: 270_001, usualSeconds: 1_000 })).toBe(false);
});

test("what somebody chose runs however long it takes, and so does all with --full", () => {
  expect(leftFor({ usualSeconds: 30 }, { ...USUAL, isChosen: true }, passed(1_000_000))).toBe(true);
  expect(leftFor({ usualSeconds: 30 }, { ...USUAL, full: true }, passed(1_000_000))).toBe(true);
  expect(leftFor({ usualSeconds: null }, { ...USUAL, isChosen: true }, passed(1_000_000))).toBe(true);
});

test("what the short arms usually take fits", () => {
  const seconds = ARMS.reduce((sum, { usualSeconds }) => sum + (usualSeconds ?? 0), 0);
  expect(seconds).toBeLessThan(300);
});
