import type { LeaseExpiry } from "./lease-expiry.ts";
import type { Stage } from "./messages.ts";
import type { Random } from "./random.ts";

/**
 * Who is killed, and when. Counted in events and deliveries, never in seconds: the same log sees the same kills on a
 * fast machine and on a slow one.
 *
 * A kill at a stage is aimed: the worker stands still there until it is killed, so that the crashes that matter happen
 * for certain: before the charge, behind it, and, under "reacquire", with another worker waiting to take over. The others
 * hit a busy worker at any moment.
 */
export interface ChaosPlan {
  readonly aimed: readonly Shot[];
  /** Kill some worker after so many acknowledged deliveries. */
  readonly workers: readonly number[];
  /** Kill some server after so many acknowledged deliveries. */
  readonly servers: readonly number[];
}

/** Kill the worker that handles a delivery of the nth new event, or of the first such one behind it, at this stage. */
export interface Shot {
  readonly event: number;
  readonly stage: Stage;
  readonly onLeaseExpiry: LeaseExpiry;
}

const CHARGED = { stage: "charged", onLeaseExpiry: "hold" } as const;
const CLAIMED = { stage: "claimed", onLeaseExpiry: "hold" } as const;
const AWAITED = { stage: "claimed", onLeaseExpiry: "reacquire" } as const;

const AIMED = [AWAITED, CHARGED, CLAIMED, CHARGED, AWAITED, CLAIMED, CHARGED];
const WORKERS_AT_RANDOM = 3;

/** Nobody is killed at the very end, where nothing would be left to show that the work goes on. */
const FROM = 0.05;
const TO = 0.75;

export function planChaos(random: Random, events: number, deliveries: number): ChaosPlan {
  const somewhere = (whole: number) => Math.floor(whole * (FROM + random.fraction() * (TO - FROM)));
  const inOrder = (a: number, b: number) => a - b;
  const moments = AIMED.map(() => somewhere(events)).sort(inOrder);
  return {
    aimed: AIMED.map((kind, index) => ({ ...kind, event: moments[index] ?? 0 })),
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
