import { expect, test } from "vitest";
import { runSeeds } from "../../../../proof/sim/seeds.ts";

const SEEDS = 1_000;
const PART = 100;

const ANY = { mutant: null, weather: null } as const;

/** In parts, so that a failure names a few seeds and the others are still run. */
test.each(Array.from({ length: SEEDS / PART }, (_, i) => 1 + i * PART))(
  "no promise is broken in a hundred worlds from seed %i on",
  { timeout: 120_000 },
  async (from) => {
    const { failing, counts } = await runSeeds({ ...ANY, from, seeds: PART });
    expect(failing).toEqual([]);
    // Or nothing was tested.
    expect(counts.acquired).toBeGreaterThan(5 * PART);
    expect(counts.ended).toBeGreaterThan(5 * PART);
    expect(counts.takenOver).toBeGreaterThan(PART / 2);
    expect(counts.promoted).toBeGreaterThan(PART / 2);
    expect(counts.unknown).toBeGreaterThan(5 * PART);
    expect(counts.faults).toBeGreaterThan(PART);
    expect(counts.late).toBeGreaterThan(0);
    expect(counts.reattached).toBeGreaterThan(0);
    expect(counts.repeated).toBeGreaterThan(0);
    expect(counts.superseded).toBeGreaterThan(0);
  },
);
