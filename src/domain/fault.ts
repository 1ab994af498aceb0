/**
 * Why a call failed: the names of holdfast.v1.ErrorReason without their prefix. Anything that a correct caller must
 * branch on is an answer, not a fault.
 */
export type FaultCode =
  | "FIELD_INVALID"
  | "DURATION_OUT_OF_RANGE"
  | "FINGERPRINT_MISMATCH"
  | "RECORD_EXISTS"
  | "LEASE_SUPERSEDED"
  | "LEASE_TOKEN_INVALID"
  | "RESULT_CONFLICT"
  | "CLAIM_ENDED"
  | "INVALID_STATE"
  | "RESULT_TOO_LARGE"
  | "CHECKPOINT_TOO_LARGE"
  | "ERROR_TOO_LARGE"
  | "RECORD_NOT_FOUND"
  | "TENANT_FORBIDDEN"
  | "TENANT_NOT_FOUND"
  | "TENANT_PENDING"
  | "TENANT_DISABLED"
  | "TENANT_DRAINING"
  | "TENANT_UNVERIFIED"
  | "CREDENTIALS_INVALID"
  | "ROLE_REQUIRED"
  | "QUOTA_NEW_RECORDS"
  | "QUOTA_LIVE_RECORDS"
  | "QUOTA_BYTES"
  | "QUOTA_LEASES"
  | "QUOTA_WAITERS"
  | "STORE_UNAVAILABLE"
  | "DRAINING"
  | "OVERLOADED"
  | "INTERNAL"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "TENANT_EXISTS"
  | "HOST_TAKEN"
  | "ISSUER_TAKEN"
  | "TENANT_CHANGED"
  | "VALIDATION_REFUSED"
  | "VALIDATION_UNCERTAIN"
  | "API_KEY_NOT_FOUND"
  | "RECORD_CHANGED";

/** A field of the request, as a dotted path, and what is allowed in it. Never holds what the caller sent. */
export interface FieldViolation {
  readonly field: string;
  readonly allowed: string;
}

export interface FaultDetail {
  readonly violations?: readonly FieldViolation[];
  /** When the same call can help later, and only then. */
  readonly retryAfterMs?: number;
  /** Logged, never sent. */
  readonly cause?: unknown;
}

/** Thrown; turned into a gRPC status in one place. The message never holds input, payload or driver text. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | null;

  constructor(code: FaultCode, message: string, detail: FaultDetail = {}) {
    super(message, { cause: detail.cause });
    this.code = code;
    this.violations = detail.violations ?? [];
    this.retryAfterMs = detail.retryAfterMs ?? null;
  }
}
