import { expect, test } from "vitest";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { simulate } from "./simulation.ts";

/** The rarest shows in one run of seventy. */
const SEEDS = 500;

/** Each of these servers is one of ours but for one thing. The simulation is worth what it finds of them. */
test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  "a server is found that %s",
  async (_name, mutant) => {
    expect(await firstFault(mutant)).toMatch(/waits/);
  },
);

async function firstFault({ profile, mutate }: Mutant): Promise<string | null> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { fault } = await simulate(seed, profile, mutate);
    if (fault !== null) return fault;
  }
  return null;
}
