import { expect, test } from "vitest";
import { type Contended, contendFor } from "../../../../../proof/faults/witness/contender.ts";
import type { Rpc } from "../../../../../src/client/runtime.ts";

const KEY = { scope: "scope", key: "key" };
const ACQUIRED = { case: "acquired", value: { lease: { handle: { fence: 2n } } } };

async function contended(detail: object, beatenMs: number): Promise<{ isGiven: boolean; told: Contended }> {
  const rpc = { claim: async () => ({ detail }) } as unknown as Rpc;
  const told: Contended = { refused: 0, taken: 0, lapsed: 0 };
  const isGiven = await contendFor(rpc, { key: KEY, leaseMs: 60_000, beatenMs }, told);
  return { isGiven, told };
}

test("who is told that somebody else is at it has not taken the lease", async () => {
  const told = { refused: 1, taken: 0, lapsed: 0 };
  expect(await contended({ case: "inProgress", value: {} }, performance.now())).toEqual({ isGiven: false, told });
});

test("a lease that was extended in time is taken away by who is given it", async () => {
  const told = { refused: 0, taken: 1, lapsed: 0 };
  expect(await contended(ACQUIRED, performance.now())).toEqual({ isGiven: true, told });
});

test("a lease that may be over is not", async () => {
  const told = { refused: 0, taken: 0, lapsed: 1 };
  expect(await contended(ACQUIRED, performance.now() - 60_001)).toEqual({ isGiven: true, told });
});

test("what has been completed is neither refused nor given", async () => {
  const told = { refused: 0, taken: 0, lapsed: 0 };
  expect(await contended({ case: "completed", value: {} }, performance.now())).toEqual({ isGiven: false, told });
});
