import type { Clock } from "../../clock.ts";
import type { Config } from "../../server/config.ts";
import { MAIN, withDatabase } from "../../server/database-source.ts";
import { withTimeLimit } from "../../server/placement/time-limit.ts";
import * as facts from "../../store/postgres/doctor/facts.ts";
import { inspect } from "../../store/postgres/doctor/inspect.ts";
import type { NamedDatabase } from "../databases.ts";
import { judgeClock } from "./clocks.ts";
import { type Examined, examine } from "./database.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { judgePlacements } from "./placements.ts";
import type { Section } from "./report.ts";

export interface RunDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pooler: Config["pooler"];
}

export interface Ran {
  readonly sections: readonly Section[];
  readonly unreachable: number;
}

/** For everything: whoever is woken at night waits for the answer. */
const ALL_MS_MAX = 30_000;

/** Looks at every database, all at once, and then at what only shows between them. */
export async function examineDatabases(databases: readonly NamedDatabase[], deps: RunDeps): Promise<Ran> {
  return withTimeLimit(ALL_MS_MAX, deps, async (signal) => {
    const within = { ...deps, signal };
    const examined = await Promise.all(
      databases.map(async (database) => ({ ...database, ...(await examine(database, within)) })),
    );
    const placements = await comparePlacements(examined, signal);
    const sections = examined.map(({ name, source, findings }) => ({
      name,
      description: source.description,
      findings: [...findings, ...compareClocks(name, examined), ...(name === MAIN ? placements : [])],
    }));
    return { sections, unreachable: examined.filter(({ isReachable }) => !isReachable).length };
  });
}

type Patient = NamedDatabase & Examined;

function compareClocks(name: string, examined: readonly Patient[]): readonly Finding[] {
  const offsets = examined.flatMap(({ name: of, offset }) => (offset === null ? [] : [{ name: of, ...offset }]));
  const own = offsets.findIndex((offset) => offset.name === name);
  const offset = offsets[own];
  // Each pair once.
  return offset === undefined ? [] : judgeClock(offset, offsets.slice(0, own));
}

async function comparePlacements(examined: readonly Patient[], signal: AbortSignal): Promise<readonly Finding[]> {
  const main = examined.find(({ name }) => name === MAIN);
  if (main === undefined || main.identity === undefined) return [];
  const asked = examined.flatMap(({ name, identity }) => (identity === undefined ? [] : [{ name, identity }]));
  const names = examined.map(({ name }) => name);
  try {
    return await withDatabase(
      main.source,
      (client) =>
        inspect(client, async (connection) =>
          judgePlacements(
            asked,
            await facts.readPlacements(connection),
            await facts.readTenantPlacements(connection),
            names,
          ),
        ),
      signal,
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [findingsOf("placements").skipped(`What main knows of placements could not be read: ${why}.`)];
  }
}
