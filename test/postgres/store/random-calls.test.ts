import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StoreUnderTest } from "../../store/contract.ts";
import { runBoth } from "../../store/random-calls.ts";
import { randomSteps } from "../../store/random-steps.ts";
import { openMemoryStore } from "../../support/memory-store.ts";
import { openPostgresStore } from "./open-store.ts";

const KEYS = 3;
const steps = randomSteps({ keys: KEYS, maxLength: 60, stepsBack: true });

/** Fixed, so that a gate that was green stays green; RANDOM_SEED tries others. */
const seed = Number(process.env["RANDOM_SEED"] ?? 20_260_820);

let memory: StoreUnderTest;
let postgres: StoreUnderTest;
beforeAll(async () => {
  [memory, postgres] = [await openMemoryStore(), await openPostgresStore()];
});
afterAll(async () => {
  await memory.close();
  await postgres.close();
});

test("memory and Postgres agree on every answer to random sequences of calls", async () => {
  for (const [i, sequence] of fc.sample(steps, { numRuns: 60, seed }).entries()) {
    const difference = await runBoth(memory, postgres, { name: `${seed} ${i}`, keys: KEYS, steps: sequence });
    expect(difference, `sequence ${i} of RANDOM_SEED=${seed}`).toBeNull();
  }
}, 120_000);
