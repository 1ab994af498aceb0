/** What `errors.json` says of an answer. */
export interface WireError {
  readonly name: string;
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | null;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  /** The class, without a language's suffix. */
  readonly error: string;
  /** The class of a call that was made with a lease, where it is another one. */
  readonly lease?: string;
  /** Why, of a lost lease. */
  readonly why?: string;
}

/** gRPC's codes by their names, as errors.proto begins each reason's comment. */
export const CODES: Readonly<Record<string, number>> = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

/** What a call that was made with a lease learns about it. */
export const LEASE_LOST: Readonly<Record<string, string>> = {
  LEASE_SUPERSEDED: "superseded",
  LEASE_TOKEN_INVALID: "token-invalid",
  INVALID_STATE: "invalid-state",
  RECORD_NOT_FOUND: "record-not-found",
};

/** With which a server answers that has a delay to ask for. */
export const DELAYS_MS: Readonly<Record<string, number>> = {
  TENANT_PENDING: 5_000,
  QUOTA_NEW_RECORDS: 1_000,
  QUOTA_WAITERS: 2_000,
  STORE_UNAVAILABLE: 250,
  DRAINING: 50,
  OVERLOADED: 100,
  VALIDATION_UNCERTAIN: 1_000,
};

export const VIOLATIONS: Readonly<Record<string, WireError["violations"]>> = {
  FIELD_INVALID: [
    { field: "key.scope", description: "1 to 128 bytes" },
    { field: "claim_id", description: "16 to 64 bytes" },
  ],
  DURATION_OUT_OF_RANGE: [{ field: "lease", description: "1s to 3600s" }],
};

/** Answers that no reason of errors.proto stands behind. */
export const OTHERS: readonly WireError[] = [
  ...Object.entries(CODES).map(([name, code]) => ({
    name: `${name} without a reason`,
    ...{ code, reason: "", retryAfterMs: null, violations: [], error: "Transport" },
  })),
  {
    name: "a delay without a reason: a proxy's",
    ...{ code: 14, reason: "", retryAfterMs: 750, violations: [], error: "Transport" },
  },
  {
    name: "a reason that is newer than the client keeps its name, and is of the class that all others are of",
    ...{ code: 9, reason: "SOMETHING_NEW", retryAfterMs: null, violations: [], error: "Holdfast" },
  },
];
