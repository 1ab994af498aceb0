import { expect, test } from "vitest";
import { MUTANTS } from "../../../../proof/sim/mutants.ts";
import { firstKill } from "../../../../proof/sim/seeds.ts";

/** The rarest shows in one run of two hundred; most show in the first ones. */
const SEEDS = 1_000;

/** Each of these worlds is ours but for one thing. The simulation is worth what it finds of them. */
test.each(MUTANTS.map((mutant) => [mutant.id, mutant.name, mutant] as const))(
  "%s is found, a world that %s",
  { timeout: 120_000 },
  async (_id, _name, mutant) => {
    expect(await firstKill(mutant, { from: 1, seeds: SEEDS })).not.toBeNull();
  },
);
