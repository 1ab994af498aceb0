import type { FaultCode } from "../domain/fault.ts";
import type { CounterSpec } from "./metric-spec.ts";
import type { Cell, Metrics } from "./metrics.ts";

/**
 * Who has to change something for the same call to be served: the server's operator, which is what the error budget is
 * spent on; the caller, or the tenant that it calls for; or nobody, because the same call is served a moment later.
 */
export type Blame = "server" | "caller" | "nobody";

/**
 * A deadline that has passed is the caller's: calls that wait run into it by design. That a server is too slow for those
 * that do not wait is told by their time.
 */
const BLAMES = {
  STORE_UNAVAILABLE: "server",
  OVERLOADED: "server",
  INTERNAL: "server",
  DRAINING: "nobody",
  TENANT_PENDING: "nobody",
  CANCELLED: "caller",
  DEADLINE_EXCEEDED: "caller",
  LEASE_SUPERSEDED: "caller",
  LEASE_TOKEN_INVALID: "caller",
  FIELD_INVALID: "caller",
  DURATION_OUT_OF_RANGE: "caller",
  FINGERPRINT_MISMATCH: "caller",
  RECORD_EXISTS: "caller",
  RESULT_CONFLICT: "caller",
  CLAIM_ENDED: "caller",
  INVALID_STATE: "caller",
  RESULT_TOO_LARGE: "caller",
  CHECKPOINT_TOO_LARGE: "caller",
  ERROR_TOO_LARGE: "caller",
  RECORD_NOT_FOUND: "caller",
  RECORD_CHANGED: "caller",
  CREDENTIALS_INVALID: "caller",
  ROLE_REQUIRED: "caller",
  QUOTA_NEW_RECORDS: "caller",
  QUOTA_LIVE_RECORDS: "caller",
  QUOTA_BYTES: "caller",
  QUOTA_LEASES: "caller",
  QUOTA_WAITERS: "caller",
  TENANT_FORBIDDEN: "caller",
  TENANT_NOT_FOUND: "caller",
  TENANT_DISABLED: "caller",
  TENANT_DRAINING: "caller",
  TENANT_UNVERIFIED: "caller",
  TENANT_EXISTS: "caller",
  TENANT_CHANGED: "caller",
  HOST_TAKEN: "caller",
  ISSUER_TAKEN: "caller",
  VALIDATION_REFUSED: "caller",
  VALIDATION_UNCERTAIN: "caller",
  API_KEY_NOT_FOUND: "caller",
} as const satisfies Record<FaultCode, Blame>;

export const REFUSALS = {
  kind: "counter",
  name: "holdfast_refusals_total",
  unit: "calls",
  help: "Calls answered with an error, by the reason that the caller was told, and by who has to change something.",
  advice:
    '`blame="server"` is what the error budget is spent on. LEASE_SUPERSEDED and LEASE_TOKEN_INVALID are the fence at work: a worker that was taken over from came back. The server\'s log names single calls at level debug.',
  labels: { reason: Object.keys(BLAMES), blame: ["server", "caller", "nobody"] },
  series: Object.entries(BLAMES),
} as const satisfies CounterSpec;

/** The series of each reason. What was refused inside and answered all the same is no refusal: the caller was not told. */
export function createRefusalCells(metrics: Metrics): ReadonlyMap<FaultCode, Cell> {
  const cellOf = metrics.counter(REFUSALS);
  return new Map(Object.entries(BLAMES).map(([reason, blame]) => [reason as FaultCode, cellOf(reason, blame)]));
}
