export interface TenantServiceLimits {
  /** Tenants held here; the longest idle go first. */
  readonly registeredMax: number;
  /** A lazily built tenant that nobody has entered for so long is let go of. */
  readonly idleMs: number;
  /** Names of tenants whose owner, or that nobody is their owner, is remembered. */
  readonly namesMax: number;
  /** Ids that are remembered to be nobody's. */
  readonly absentMax: number;
  /** So long, unless the id is registered meanwhile. */
  readonly absentMs: number;
  /**
   * Questions to the table, counted apart: callers' about names, whatever the answer; the authenticator's about issuers,
   * and those about ids, that are nobody's.
   */
  readonly lookupsPerSecond: number;
  readonly lookupsBurst: number;
  /** Rows that are read at once for callers, and issuers that are asked for at once. */
  readonly readingMax: number;
  /** Rows that are read at once for changes. */
  readonly followingMax: number;
}

export const TENANT_SERVICE_LIMITS: TenantServiceLimits = {
  registeredMax: 20_000,
  idleMs: 600_000,
  namesMax: 20_000,
  absentMax: 10_000,
  absentMs: 1_000,
  lookupsPerSecond: 1_000,
  lookupsBurst: 2_000,
  readingMax: 1_000,
  followingMax: 4,
};
