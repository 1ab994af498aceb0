export interface Retry {
  readonly name: string;
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | null;
  readonly again: "never" | "once" | "while-time-lasts";
  /** On top of it comes the jitter. */
  readonly leastDelayMs: number;
}

type Row = readonly [name: string, code: number, reason: string, retryAfterMs: number | null, again: Retry["again"]];

const ROWS: readonly Row[] = [
  ["CANCELLED by somebody between", 1, "", null, "while-time-lasts"],
  ["CANCELLED, told by the server of a caller who is there", 1, "CANCELLED", null, "while-time-lasts"],
  ["UNKNOWN", 2, "", null, "once"],
  ["UNKNOWN with a delay", 2, "", 200, "while-time-lasts"],
  ["INVALID_ARGUMENT", 3, "", null, "never"],
  ["a field that no server takes", 3, "FIELD_INVALID", null, "never"],
  ["a result over its limit", 3, "RESULT_TOO_LARGE", null, "never"],
  ["DEADLINE_EXCEEDED, as the client itself tells", 4, "", null, "while-time-lasts"],
  ["DEADLINE_EXCEEDED, told by the server", 4, "DEADLINE_EXCEEDED", null, "while-time-lasts"],
  ["NOT_FOUND", 5, "", null, "never"],
  ["a record that is not there", 5, "RECORD_NOT_FOUND", null, "never"],
  ["ALREADY_EXISTS", 6, "", null, "never"],
  ["another fingerprint", 6, "FINGERPRINT_MISMATCH", null, "never"],
  ["PERMISSION_DENIED", 7, "", null, "never"],
  ["a token that was never given out", 7, "LEASE_TOKEN_INVALID", null, "never"],
  ["RESOURCE_EXHAUSTED without a delay", 8, "", null, "never"],
  ["a message too large for the transport", 8, "", null, "never"],
  ["a quota with a delay", 8, "QUOTA_NEW_RECORDS", 1_000, "while-time-lasts"],
  ["a quota without a delay", 8, "QUOTA_LIVE_RECORDS", null, "never"],
  ["too many waiters, with a delay", 8, "QUOTA_WAITERS", 2_000, "while-time-lasts"],
  ["a full queue", 8, "OVERLOADED", 100, "while-time-lasts"],
  ["a delay from a proxy", 8, "", 750, "while-time-lasts"],
  ["FAILED_PRECONDITION", 9, "", null, "never"],
  ["another content than before", 9, "RESULT_CONFLICT", null, "never"],
  ["a claim that has ended", 9, "CLAIM_ENDED", null, "never"],
  ["a disabled tenant", 9, "TENANT_DISABLED", null, "never"],
  ["ABORTED without a reason: a connection that was reset, say", 10, "", null, "while-time-lasts"],
  ["a superseded lease", 10, "LEASE_SUPERSEDED", null, "never"],
  ["a record that has changed", 10, "RECORD_CHANGED", null, "never"],
  ["OUT_OF_RANGE", 11, "", null, "never"],
  ["a duration out of range", 11, "DURATION_OUT_OF_RANGE", null, "never"],
  ["UNIMPLEMENTED", 12, "", null, "never"],
  ["INTERNAL, of something between", 13, "", null, "once"],
  ["INTERNAL, a bug of the server", 13, "INTERNAL", null, "once"],
  ["INTERNAL with a delay", 13, "INTERNAL", 500, "while-time-lasts"],
  ["UNAVAILABLE: nobody listens", 14, "", null, "while-time-lasts"],
  ["UNAVAILABLE with a delay of nothing", 14, "STORE_UNAVAILABLE", 0, "while-time-lasts"],
  ["a database that is away", 14, "STORE_UNAVAILABLE", 250, "while-time-lasts"],
  ["a server that goes", 14, "DRAINING", 50, "while-time-lasts"],
  ["a tenant that is being set up", 14, "TENANT_PENDING", 5_000, "while-time-lasts"],
  ["DATA_LOSS", 15, "", null, "never"],
  ["UNAUTHENTICATED", 16, "", null, "never"],
  ["a bad credential", 16, "CREDENTIALS_INVALID", null, "never"],
  ["a reason that is newer than the client", 9, "SOMETHING_NEW", null, "never"],
  ["a reason that is newer than the client, with a delay", 9, "SOMETHING_NEW", 40, "while-time-lasts"],
];

export const RETRIES: readonly Retry[] = ROWS.map(([name, code, reason, retryAfterMs, again]) => ({
  ...{ name, code, reason, retryAfterMs, again },
  leastDelayMs: retryAfterMs ?? 0,
}));
