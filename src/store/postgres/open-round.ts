import { type Instant, msBetween } from "../../domain/instant.ts";
import type { StuckReason } from "../../domain/stuck.ts";
import type { OpenRecords } from "../operator-store.ts";

/** What lapsed.sql says of an open record. */
export interface OpenRow {
  readonly now: Instant;
  readonly abandoned: boolean;
  readonly exhausted: boolean;
  /** Null: it is not. */
  readonly stuck: number | null;
  readonly stuck_since: Instant;
}

/** Counts a round over all open records, window by window. */
export interface OpenRound {
  add(rows: readonly OpenRow[]): void;
  /** What was counted; the next round begins. */
  finish(): OpenRecords;
}

const REASONS = ["outcome-unknown", "lease-expired", "overdue"] as const satisfies StuckReason[];

/** The codes count from 1, as the statements list them. */
export function decodeStuck(code: number): StuckReason {
  const reason = REASONS[code - 1];
  if (reason === undefined) throw new Error(`bug: no reason to be stuck has the code ${code}`);
  return reason;
}

export function createOpenRound(): OpenRound {
  let counts = nothing();
  return {
    add(rows) {
      for (const row of rows) {
        // What this pass is about to delete or to fail is not open any more.
        if (row.abandoned || row.exhausted) continue;
        counts.open++;
        if (row.stuck === null) continue;
        const reason = decodeStuck(row.stuck);
        counts.stuck[reason]++;
        counts.stuckMsMax[reason] = Math.max(counts.stuckMsMax[reason], msBetween(row.stuck_since, row.now));
      }
    },
    finish() {
      const finished = counts;
      counts = nothing();
      return finished;
    },
  };
}

function nothing() {
  const none = (): Record<StuckReason, number> => ({ "outcome-unknown": 0, "lease-expired": 0, overdue: 0 });
  return { open: 0, stuck: none(), stuckMsMax: none() };
}
