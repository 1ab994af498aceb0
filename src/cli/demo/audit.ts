import type { Charge } from "./postgres/ledger.ts";

/** What the ledger and the records say, whatever anybody counted on the way. */
export interface Audit {
  /** Rows in the ledger: each is work that was done. */
  readonly executions: number;
  /** Events that were charged more than once. */
  readonly duplicates: readonly string[];
  /** Events without a charge, without a completed record, or whose record names a charge that the ledger lacks. */
  readonly lost: readonly string[];
}

/** `results` holds the charge that each completed record names, by event. */
export function audit(
  events: ReadonlySet<string>,
  charges: readonly Charge[],
  results: ReadonlyMap<string, string>,
): Audit {
  const chargesOf = Map.groupBy(charges, (charge) => charge.eventId);
  const isLost = (id: string) => !chargesOf.get(id)?.some((charge) => charge.chargeId === results.get(id));
  return {
    executions: charges.length,
    duplicates: [...chargesOf].filter(([, made]) => made.length > 1).map(([id]) => id),
    lost: [...events].filter(isLost),
  };
}

/** Once each: nothing twice, nothing left out, nothing that nobody asked for. */
export function isClean(events: ReadonlySet<string>, { executions, duplicates, lost }: Audit): boolean {
  return executions === events.size && duplicates.length === 0 && lost.length === 0;
}
