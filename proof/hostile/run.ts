import { readCommit } from "../commit.ts";
import { ATTACKS } from "./frames/attacks.ts";
import { attackPart } from "./frames/run.ts";
import { measure, type PartReport } from "./measure.ts";
import { messagesPart } from "./messages/run.ts";
import type { HostileOptions } from "./options.ts";
import { startHonest } from "./stand/honest.ts";
import { openStand, type Stand } from "./stand/stand.ts";

export interface HostileReport {
  readonly seed: number;
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  /** MiB of the server after a full collection: before anything was sent to it, and after all. NaN: it has ended. */
  readonly rss: { readonly start: number; readonly end: number };
  readonly parts: readonly PartReport[];
}

export interface RunDeps {
  readonly databaseUrl: string;
  /** Whether what is left of memory after it is a bound; not in runs of seconds. */
  readonly judgesMemory: boolean;
  readonly onPart: (report: PartReport) => void;
}

type Which = Pick<HostileOptions, "seed" | "only" | "from" | "extent">;

export async function runHostile(options: Which, deps: RunDeps): Promise<HostileReport> {
  const commit = await readCommit();
  await using stand = await openStand(deps.databaseUrl);
  await using honest = await startHonest(stand);
  const start = (await stand.collector.collect()).rssMiB;
  const parts: PartReport[] = [];
  let keptMiBMax = 0;
  for (const part of partsOf(options, stand)) {
    keptMiBMax = Math.max(keptMiBMax, part.keptMiBMax);
    const how = { judgesMemory: deps.judgesMemory, startMiB: start, keptMiBMax };
    const report = await measure({ stand, honest, ...how }, part);
    parts.push(report);
    deps.onPart(report);
    if (report.faults.exit !== null) break;
  }
  const end = (await stand.collector.collect()).rssMiB;
  const when = { date: new Date().toISOString(), commit, node: process.version };
  return { seed: options.seed, ...when, rss: { start, end }, parts };
}

function partsOf(options: Which, stand: Stand) {
  const { only } = options;
  const attacks = ATTACKS.filter(({ name }) => only === null || only === "frames" || only === name);
  const messages = only === null || only === "messages" ? [messagesPart(stand, options)] : [];
  return [...messages, ...attacks.map((attack) => attackPart(attack, stand, options))];
}
