import { systemClock } from "../clock.ts";
import type { Config } from "../server/config.ts";
import { type DatabaseSource, MAIN, placedDatabase, withDatabase } from "../server/database-source.ts";

/** One of the databases that the settings name. */
export interface NamedDatabase {
  /** `main`, or the placement's. */
  readonly name: string;
  readonly source: DatabaseSource;
}

export type DatabaseClient = Parameters<Parameters<typeof withDatabase>[1]>[0];

/** Main first, then the placements. */
export function namedDatabases(main: DatabaseSource, config: Config): readonly NamedDatabase[] {
  const placed = (config.placements ?? []).map((one) => ({
    name: one.name,
    source: placedDatabase(one, config, systemClock),
  }));
  return [{ name: MAIN, source: main }, ...placed];
}

/** What came of the work on one database; `unreachable` when no connection came about. */
export type OnDatabase<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "unreachable"; readonly error: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

/** Never rejects, so that one database that fails holds up none of the others. */
export async function onDatabase<T>(
  source: DatabaseSource,
  work: (client: DatabaseClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<OnDatabase<T>> {
  let isConnected = false;
  const begin = (client: DatabaseClient) => {
    isConnected = true;
    return work(client);
  };
  try {
    return { kind: "done", value: await withDatabase(source, begin, signal) };
  } catch (error) {
    return { kind: isConnected ? "failed" : "unreachable", error };
  }
}
