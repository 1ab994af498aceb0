import type { Database } from "../../store/postgres/database.ts";
import type { Run } from "../../store/postgres/run.ts";

/**
 * The lanes of the cluster where tenants and API keys are kept. Apart, because a change waits for every other change and
 * for whoever else has locked the audit log, while a look-up waits for nobody and is what each first call needs.
 */
export interface RegistryLanes {
  /** For looking up tenants and API keys. */
  readonly run: Run;
  /** For changing them. Those that wait are refused when the server stops. */
  readonly change: Run;
  /** For one that follows the changes: the same lane as `run`, before all that wait. */
  readonly follow: Run;
}

/** Half a second of them: longer than anybody is to wait. */
const LOOKUPS_WAITING_MAX = 2000;
/** Some of several tenants, each of which has few under way; a change takes a few milliseconds. */
const CHANGES_WAITING_MAX = 256;

export function openRegistryLanes(database: Database): RegistryLanes {
  const lookups = database.lanes(1, { waitingMax: LOOKUPS_WAITING_MAX });
  const changes = database.lanes(1, { waitingMax: CHANGES_WAITING_MAX });
  return {
    run: (work) => lookups.run(0, work),
    change: (work) => changes.run(0, work),
    follow: (work) => lookups.run(0, work, { ahead: true }),
  };
}
