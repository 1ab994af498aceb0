import type { Database } from "../store/postgres/database.ts";
import type { Lanes } from "../store/postgres/lanes.ts";

/**
 * The same database with fewer connections: a server has two for claims, two for ends and one for each kind of what must
 * not wait for something else, and an application has many processes and few calls. What is batched shares two, and what
 * is looked up and changed in transactions shares one; heartbeats and reading keep their own, so that a burst of claims
 * expires no lease and wakes nobody late.
 */
export function withFewLanes(database: Database): Database {
  let batched: Lanes | null = null;
  let bounded: Lanes | null = null;
  return {
    ...database,
    lanes(count, options = {}) {
      if (options.atOnce !== undefined) {
        batched ??= database.lanes(count, options);
        return batched;
      }
      if (options.waitingMax !== undefined) {
        bounded ??= database.lanes(1, { optional: true, waitingMax: WAITING_MAX });
        return bounded;
      }
      return database.lanes(count, options);
    },
  };
}

/** Look-ups of tenants, their changes, and pages of records, each of some milliseconds. */
const WAITING_MAX = 1000;
