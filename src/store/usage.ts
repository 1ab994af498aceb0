/** What a tenant's records take up in one cluster. */
export interface Usage {
  /** Records that are not forgotten. */
  readonly liveRecords: number;
  /** Of results, errors and checkpoints, as they are stored. */
  readonly storedBytes: number;
  /** Leases that are not over. */
  readonly leases: number;
}

/**
 * Throws `Fault` STORE_UNAVAILABLE when the database does not answer; what was measured so far is not kept then.
 */
export interface UsageSource {
  /** What some server measured last, and how long ago; null when none has. */
  latest(tenant: string): Promise<{ readonly usage: Usage; readonly ageMs: number } | null>;
  /** Counts the tenant's records, a page at a time, and keeps the result for all servers. */
  measure(tenant: string, signal: AbortSignal): Promise<Usage>;
}
