import { afterAll, beforeAll, expect, test } from "vitest";
import { RACES } from "../../../proof/races/races.ts";
import { raceText } from "../../../proof/races/report.ts";
import { runControl, runRace } from "../../../proof/races/run.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

/**
 * The short form of `node proof/races/main.ts --full`. Times are judged there, and how evenly chance has dealt: that is the
 * machine's doing, so here the orders that are forced must have come about as often, and the others at all.
 */
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const deps = () => ({ url: database.url, seed: 7, size: "short", trials: null, boundMs: Infinity }) as const;

test.each(RACES)(
  "$name: $what",
  async (race) => {
    const report = await runRace(race, deps());
    const { violations, spoilt } = report;
    const lacking = report.orders.filter(({ by, count, isEnough }) => count === 0 || (by === "force" && !isEnough));
    expect({ violations, spoilt, lacking }, raceText(report)).toEqual({ violations: 0, spoilt: [], lacking: [] });
  },
  120_000,
);

/** Of each race the first; the others are run with --controls. */
const CONTROLS = RACES.map((race) => ({ name: race.name, race, control: race.controls[0] }));

test.each(CONTROLS)(
  "$name finds out a server that $control.what",
  async ({ race, control }) => {
    if (control === undefined) throw new Error("a race without a control proves nothing");
    expect((await runControl(race, control, deps())).killedBy).toEqual(expect.any(String));
  },
  120_000,
);
