import { availableParallelism } from "node:os";
import type { Config } from "../config.ts";
import { WORKERS_MAX } from "../limits.ts";

/** How many processes serve. */
export function workersOf({ workers }: Pick<Config, "workers">): number {
  return workers === 0 ? Math.min(availableParallelism(), WORKERS_MAX) : workers;
}
