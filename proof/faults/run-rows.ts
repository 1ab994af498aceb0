import { readCommit } from "../commit.ts";
import { CannotRun } from "./cannot-run.ts";
import { readMachine } from "./machine.ts";
import { type RunOptions, timesOf } from "./options.ts";
import { judgedOf, type Outcome, porcupineOf, type Report } from "./report.ts";
import type { Row } from "./row.ts";
import { runControl } from "./run-control.ts";
import { runRow } from "./run-row.ts";
import { findPrograms } from "./stand/programs.ts";
import { createStands } from "./stands.ts";

export type RunnerOptions = Pick<RunOptions, "isFull" | "seed" | "times" | "keep" | "controls"> & {
  /** Default true. Where others use the machine meanwhile, figures in ms are told and not judged. */
  readonly judgesTimes?: boolean;
};

/** Runs rows one after the other; what one of them breaks is made anew for the next. */
export interface Runner extends AsyncDisposable {
  run(row: Row): Promise<Outcome>;
  /** Of the last one that was judged by it. */
  readonly porcupine: string | null;
}

export function createRunner(options: RunnerOptions, say: (text: string) => void): Runner {
  const { seed, isFull, keep, controls, judgesTimes = true } = options;
  const stands = createStands();
  let porcupine: string | null = null;

  const judge = async (row: Row): Promise<Outcome> => {
    const times = timesOf(row, options);
    const beganMs = performance.now();
    const stand = await stands.like(row.stand ?? {});
    const ran = await runRow(row, { stand, seed, times, isFull, judgesTimes, say, keep });
    porcupine = porcupineOf(ran.history)?.porcupine ?? porcupine;
    if (ran.faults.length > 0) await stands.drop();
    if (ran.doubt !== null) return { kind: "broken", id: row.id, fault: row.fault, seed, why: ran.doubt };
    const judged = judgedOf(row, ran, { seed, times, seconds: secondsSince(beganMs) });
    if (!controls || row.control === undefined) return judged;
    await stands.drop();
    return { ...judged, control: await runControl(row, row.control, { seed, say }) };
  };

  return {
    get porcupine() {
      return porcupine;
    },
    async run(row) {
      try {
        return await judge(row);
      } catch (error) {
        await stands.drop();
        const { id, fault } = row;
        if (error instanceof CannotRun) return { kind: "left-out", id, fault, seed, why: error.message };
        return { kind: "broken", id, fault, seed, why: error instanceof Error ? (error.stack ?? "") : String(error) };
      }
    },
    [Symbol.asyncDispose]: () => stands[Symbol.asyncDispose](),
  };
}

export interface Watching {
  readonly say: (text: string) => void;
  /** After each row, with the report so far. */
  readonly onOutcome: (outcome: Outcome, soFar: Report) => void;
}

export async function runRows(options: RunOptions, { say, onOutcome }: Watching): Promise<Report> {
  const { rows, isFull, seed } = options;
  const startedAt = new Date().toISOString();
  const beganMs = performance.now();
  const { version: postgres } = await findPrograms();
  const versions = { commit: await readCommit(), node: process.version, postgres };
  const outcomes: Outcome[] = [];
  await using runner = createRunner(options, say);
  const soFar = (): Report => ({
    ...{ startedAt, seconds: secondsSince(beganMs), full: isFull, seed },
    ...{ versions: { ...versions, porcupine: runner.porcupine }, machine: readMachine() },
    rows: outcomes,
  });
  for (const row of rows) {
    say(`${row.id}: ${row.fault} …`);
    const outcome = await runner.run(row);
    outcomes.push(outcome);
    onOutcome(outcome, soFar());
  }
  return soFar();
}

function secondsSince(ms: number): number {
  return Math.round((performance.now() - ms) / 1000);
}
