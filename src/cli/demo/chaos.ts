import type { Stage } from "./messages.ts";
import type { Random } from "./random.ts";

/**
 * Who is killed, and when. Counted in events and deliveries, never in seconds: the same log sees the same kills on a
 * fast machine and on a slow one.
 *
 * A kill at a stage is aimed: the worker stands still there until it is killed, so that the two crashes that matter, the
 * one before the charge and the one behind it, happen for certain. The others hit a busy worker at any moment.
 */
export interface ChaosPlan {
  /** Kill the worker that handles a delivery of the nth new event, at this stage. */
  readonly aimed: readonly { readonly event: number; readonly stage: Stage }[];
  /** Kill some worker after so many acknowledged deliveries. */
  readonly workers: readonly number[];
  /** Kill some server after so many acknowledged deliveries. */
  readonly servers: readonly number[];
}

const AIMED: readonly Stage[] = ["charged", "claimed", "charged", "claimed", "charged"];
const WORKERS_AT_RANDOM = 3;

/** Nobody is killed at the very end, where nothing would be left to show that the work goes on. */
const FROM = 0.05;
const TO = 0.75;

export function planChaos(random: Random, events: number, deliveries: number): ChaosPlan {
  const somewhere = (whole: number) => Math.floor(whole * (FROM + random.fraction() * (TO - FROM)));
  const inOrder = (a: number, b: number) => a - b;
  const moments = AIMED.map(() => somewhere(events)).sort(inOrder);
  return {
    aimed: AIMED.map((stage, index) => ({ event: moments[index] ?? 0, stage })),
    workers: Array.from({ length: WORKERS_AT_RANDOM }, () => somewhere(deliveries)).sort(inOrder),
    servers: [somewhere(deliveries)],
  };
}

/** Goes off once for each planned count. */
export interface Trigger {
  /** A count is reached for which it has not gone off yet. */
  isDue(done: number): boolean;
  goOff(): void;
}

export function createTrigger(counts: readonly number[]): Trigger {
  let gone = 0;
  return {
    isDue: (done) => done >= (counts[gone] ?? Number.POSITIVE_INFINITY),
    goOff: () => void gone++,
  };
}
