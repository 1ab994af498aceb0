import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, handleIn, type Key, LONG } from "../calls.ts";
import { persist } from "./persist.ts";

/** A lease that its holder extends, as who would like to have it knows of it. */
export interface Tenure {
  readonly key: Key;
  readonly leaseMs: number;
  /** When the last heartbeat was sent that was answered, by performance.now(): the lease is not over before that and its length. */
  readonly beatenMs: number;
}

export interface Contended {
  /** Told that somebody else is at it. */
  refused: number;
  /** Was given what its holder had extended in time. */
  taken: number;
  /** Was given what may have been over, which a machine that stalls for seconds brings about. */
  lapsed: number;
}

/** Asks for it. True: it was given it, and its former holder is none any more. */
export async function contendFor(rpc: Rpc, tenure: Tenure, told: Contended): Promise<boolean> {
  const { key, leaseMs, beatenMs } = tenure;
  const claim = claimOf(key, { leaseMs });
  const answer = await persist(() => rpc.claim(claim, LONG));
  if (answer.detail.case === "inProgress") told.refused++;
  if (handleIn(answer) === null) return false;
  if (performance.now() < beatenMs + leaseMs) told.taken++;
  else told.lapsed++;
  return true;
}
