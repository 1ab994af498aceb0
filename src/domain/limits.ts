/**
 * Every default and bound of the contract. The proto states the same bounds for its readers; a test holds the two
 * against each other.
 */
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

const KIB = 1024;
const MIB = 1024 * KIB;

export interface DurationBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

export const DURATIONS = {
  lease: { minMs: SECOND_MS, maxMs: HOUR_MS },
  wait: { minMs: 0, maxMs: MINUTE_MS },
  maxExecution: { minMs: SECOND_MS, maxMs: 7 * DAY_MS },
  resultRetention: { minMs: MINUTE_MS, maxMs: 90 * DAY_MS },
  tombstoneRetention: { minMs: 0, maxMs: 10 * YEAR_MS },
  /** Of a fail; the record's own result retention bounds it too. */
  delay: { minMs: 0, maxMs: 90 * DAY_MS },
  waitForTimeout: { minMs: SECOND_MS, maxMs: 10 * MINUTE_MS },
  keepAliveInterval: { minMs: 5 * SECOND_MS, maxMs: 30 * SECOND_MS },
} as const satisfies Record<string, DurationBounds>;

export const DEFAULTS = {
  leaseMs: 30 * SECOND_MS,
  /** 0: no limit. */
  maxAttempts: 0,
  resultRetentionMs: DAY_MS,
  tombstoneRetentionMs: DAY_MS,
  waitForTimeoutMs: MINUTE_MS,
  keepAliveIntervalMs: 15 * SECOND_MS,
} as const;

/** In bytes of UTF-8 where the field is text. */
export const SIZES = {
  tenantBytesMax: 63,
  scopeBytesMax: 128,
  keyBytesMax: 512,
  claimIdBytesMin: 16,
  claimIdBytesMax: 64,
  fingerprintBytesMin: 16,
  fingerprintBytesMax: 64,
  fingerprintAlgorithmBytesMax: 32,
  tokenBytes: 16,
  labelBytesMax: 256,
  /** Names and values of one map together. */
  metadataBytesMax: 4 * KIB,
  resultInlineBytesMax: MIB,
  checkpointBytesMax: 64 * KIB,
  /** The encoded google.rpc.Status. */
  errorBytesMax: 16 * KIB,
  /** Of one encoded request: a result of 1 MiB, its metadata and room. The transports enforce it. */
  messageBytesMax: MIB + 256 * KIB,
} as const;

export const ATTEMPTS_MAX = 1000;

/** The longest that a caller is told to wait before it asks again about a lease. */
export const RETRY_AFTER_MS_MAX = 30 * SECOND_MS;
