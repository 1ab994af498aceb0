import { keyText, type RecordKey } from "../../../src/domain/key.ts";
import type { Change } from "../postgres/cause.ts";
import type { VirtualTime } from "../time.ts";
import { type Judge, nameOf } from "./judge.ts";

/**
 * Who believes, by its own clock and by what it was told, to hold a record. While one does, nobody else acquires it: the
 * one thing that fences need not be asked for, as long as no clock is set and no crash sets a lease back.
 */
export interface Holders {
  /** Somebody was told that the lease is its own, for so long from when it asked. */
  holds(key: RecordKey, fence: bigint, who: string, untilMs: number): void;
  /** It is about to end it, or to do nothing more by it. */
  lets(key: RecordKey, fence: bigint): void;
  changed(change: Change): void;
}

interface Belief {
  readonly fence: bigint;
  readonly who: string;
  readonly untilMs: number;
}

export interface HoldersDeps {
  readonly time: VirtualTime;
  readonly judge: Pick<Judge, "accuse">;
  /** False where clocks are set, or a crash of the database may set back leases. */
  readonly isLeaseKept: boolean;
}

/** They take a lease away, whoever has it. */
const TAKE_AWAY: ReadonlySet<string> = new Set(["release", "reset", "resolve", "purge"]);

export function createHolders({ time, judge, isLeaseKept }: HoldersDeps): Holders {
  const beliefs = new Map<string, Belief>();
  /** What was acquired last, and what is below the fence of a change that took the lease away. */
  const newest = new Map<string, { readonly fence: bigint; readonly by: string; readonly atMs: number }>();
  const takenBelow = new Map<string, bigint>();

  return {
    holds(key, fence, who, untilMs) {
      const name = keyText(key);
      const last = newest.get(name);
      if (!isLeaseKept || fence < (takenBelow.get(name) ?? 0n)) return;
      if (last !== undefined && last.fence > fence) {
        if (untilMs > last.atMs)
          judge.accuse(`${nameOf(key)}: ${who} is told that it holds what ${last.by} has acquired`);
        return;
      }
      const before = beliefs.get(name);
      const sinceMs = before?.fence === fence ? before.untilMs : 0;
      beliefs.set(name, { fence, who, untilMs: Math.max(sinceMs, untilMs) });
    },
    lets(key, fence) {
      const name = keyText(key);
      if (beliefs.get(name)?.fence === fence) beliefs.delete(name);
    },
    changed({ key, record, cause }) {
      const name = keyText(key);
      const last = newest.get(name);
      // Under a reconciler the suspect may end the record; what ends a holder's lease is its own doing.
      const isBySuspect = cause.kind === "finish" && cause.call.proof.fence !== last?.fence;
      if (TAKE_AWAY.has(cause.kind) || isBySuspect) {
        takenBelow.set(name, (last?.fence ?? 0n) + 1n);
        beliefs.delete(name);
      }
      if (cause.kind !== "claim" || record === null) return;
      const { fence } = record.lease;
      const by = record.claimId.trim();
      if (last?.fence !== fence) newest.set(name, { fence, by, atMs: time.nowMs() });
      const belief = beliefs.get(name);
      if (belief === undefined || belief.fence === fence) return;
      beliefs.delete(name);
      if (belief.untilMs > time.nowMs()) judge.accuse(`${nameOf(key)}: ${by} acquires while ${belief.who} holds it`);
    },
  };
}
