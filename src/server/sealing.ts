import { readFile } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import { type MasterKeys, parseMasterKeys } from "../store/sealed/master-keys.ts";
import { createSealing, NO_SEALING, type Sealing } from "../store/sealed/sealing.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { createUnopenableCounter } from "../telemetry/sealing-metrics.ts";
import { OperatorError } from "./operator-error.ts";

export interface SealingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export async function loadSealing(masterKeyFile: string | null, deps: SealingDeps): Promise<Sealing> {
  const unopenable = createUnopenableCounter(deps.metrics);
  if (masterKeyFile === null) return NO_SEALING;
  return createSealing(await readMasterKeys(masterKeyFile), { ...deps, unopenable });
}

/** Throws `OperatorError` with everything that is wrong with the file, and nothing that is in it. */
export async function readMasterKeys(file: string): Promise<MasterKeys> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new OperatorError(`--master-key-file cannot be read (${cause.code}): ${file}`);
  });
  const parsed = parseMasterKeys(text);
  if (parsed.kind === "master-keys") return parsed.masterKeys;
  throw new OperatorError(`--master-key-file ${file}: ${parsed.problems.join("; ")}`);
}
