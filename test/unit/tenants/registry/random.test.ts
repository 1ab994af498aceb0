import fc from "fast-check";
import { test } from "vitest";
import { createModelledRegistry } from "./model.ts";
import { steps } from "./random-steps.ts";

test("whatever happens in whatever order, a registry holds what it promises", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const registry = createModelledRegistry();
      for (const step of sequence) await registry.take(step);
      await registry.end();
    }),
    { numRuns: 300 },
  );
});
