import { randomUUID } from "node:crypto";
import type { DriverCommand } from "../driver.ts";
import { createRandom } from "./chance.ts";
import { createLedger, type LedgerFigures } from "./ledger.ts";
import { createWorker, type Place, type Worker } from "./worker.ts";

export interface RaceOptions {
  readonly drivers: readonly DriverCommand[];
  readonly workers: number;
  readonly keys: number;
  readonly kills: number;
  readonly seed: number;
  readonly address: string;
  readonly leaseMs: number;
}

export interface RaceFigures {
  readonly workers: Readonly<Record<string, number>>;
  readonly keys: number;
  readonly kills: number;
  readonly answers: number;
  readonly ledger: LedgerFigures;
  /** Keys for which all workers were answered the same bytes. */
  readonly keysAnsweredAlike: number;
  /** Keys of whose input all workers have the same fingerprint. */
  readonly fingerprintsAlike: number;
  readonly seconds: number;
  /** What broke a promise; none is what the race is for. */
  readonly violations: readonly string[];
}

/** All workers ask for all keys, and are killed meanwhile. */
export async function race(options: RaceOptions): Promise<RaceFigures> {
  const { drivers, keys: keyCount, kills, seed, address, leaseMs } = options;
  // Another value each time that the work is done: equal results are those of one execution.
  const ledger = createLedger((key) =>
    JSON.stringify({ done: randomUUID(), key, text: "\u20ac \u{1f600}", n: [0.1, 1e21] }),
  );
  const keys = Array.from({ length: keyCount }, (_, i) => `key-${i}`);
  const due = Array.from({ length: kills }, (_, i) => Math.floor(((i + 1) * keyCount) / (kills + 1)));
  let attempts = 0;
  const strike = (): Place | undefined => {
    attempts++;
    if (due[0] === undefined || attempts < due[0]) return undefined;
    due.shift();
    return PLACES[due.length % PLACES.length];
  };
  const workers: readonly Worker[] = Array.from({ length: options.workers }, (_, number) => {
    const command = drivers[number % drivers.length];
    if (command === undefined) throw new Error("a race needs a driver");
    return createWorker({ number, command, address, leaseMs, ledger, strike, random: createRandom(seed + number) });
  });

  const startedMs = performance.now();
  try {
    await Promise.all(workers.map((worker) => worker.run(keys)));
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    const alike = keys.filter((key) => new Set(workers.map(({ answers }) => answers.get(key))).size === 1).length;
    const figures = {
      workers: countByLanguage(workers),
      ...{ keys: keyCount, kills: workers.reduce((sum, worker) => sum + worker.kills, 0) },
      answers: workers.reduce((sum, worker) => sum + worker.answers.size, 0),
      ledger: ledger.figures(),
      keysAnsweredAlike: alike,
      fingerprintsAlike: await fingerprintsAlike(workers, keys),
      seconds,
    };
    return { ...figures, violations: [...workers.flatMap(({ errors }) => errors), ...violationsOf(figures, options)] };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

const PLACES = ["before", "after", "returning"] as const satisfies readonly Place[];

/** What is not as it has to be. */
export function violationsOf(
  figures: Omit<RaceFigures, "violations">,
  { keys, workers, kills }: Pick<RaceOptions, "keys" | "workers" | "kills">,
) {
  const { ledger } = figures;
  const found = { ...figures, done: ledger.keys, executions: ledger.executions, outOfOrder: ledger.fencesOutOfOrder };
  const expected = {
    ...{ kills, answers: keys * workers, done: keys, executions: keys },
    ...{ keysAnsweredAlike: keys, fingerprintsAlike: keys, outOfOrder: 0 },
  };
  return (Object.keys(expected) as (keyof typeof expected)[])
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${name}: ${found[name]} where there should be ${expected[name]}`);
}

async function fingerprintsAlike(workers: readonly Worker[], keys: readonly string[]): Promise<number> {
  let alike = 0;
  for (const key of keys) {
    const digests = await Promise.all(workers.map((worker) => worker.fingerprint(key)));
    if (new Set(digests).size === 1) alike++;
  }
  return alike;
}

function countByLanguage(workers: readonly Worker[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { language } of workers) counts[language] = (counts[language] ?? 0) + 1;
  return counts;
}
