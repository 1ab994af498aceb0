import { join } from "node:path";
import { accepts, readPidFile, urlOf } from "./postmaster.ts";

/**
 * Where the server of a data directory can be reached; null when none takes connections now. For whoever only looks:
 * makes nothing, waits for nothing, and is no user of the server, which may end at any time.
 */
export async function findRunningPostgres(dataDirectory: string): Promise<string | null> {
  const found = await readPidFile({ cluster: join(dataDirectory, "postgres") });
  if (found?.status !== "ready" || !(await accepts(found))) return null;
  return urlOf(found);
}
