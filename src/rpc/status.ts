import { Code } from "../../gen/google/rpc/code_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { Fault, type FaultCode } from "../domain/fault.ts";
import type { CallContext } from "./endpoint.ts";
import { detail, RpcError, type RpcErrorDetail } from "./error.ts";
import { toDuration } from "./wire/time.ts";

export const ERROR_DOMAIN = "holdfast.v1";

interface Wire {
  readonly code: Code;
  /** When the same call can help later, unless the fault knows better; null when it cannot help. */
  readonly retryAfterMs: number | null;
}

const never = (code: Code): Wire => ({ code, retryAfterMs: null });
const after = (retryAfterMs: number, code: Code): Wire => ({ code, retryAfterMs });

/** Every reason's gRPC code, and whether the same call can help later. */
export const WIRE = {
  FIELD_INVALID: never(Code.INVALID_ARGUMENT),
  DURATION_OUT_OF_RANGE: never(Code.OUT_OF_RANGE),
  FINGERPRINT_MISMATCH: never(Code.ALREADY_EXISTS),
  RECORD_EXISTS: never(Code.ALREADY_EXISTS),
  LEASE_SUPERSEDED: never(Code.ABORTED),
  LEASE_TOKEN_INVALID: never(Code.PERMISSION_DENIED),
  RESULT_CONFLICT: never(Code.FAILED_PRECONDITION),
  CLAIM_ENDED: never(Code.FAILED_PRECONDITION),
  INVALID_STATE: never(Code.FAILED_PRECONDITION),
  RESULT_TOO_LARGE: never(Code.INVALID_ARGUMENT),
  CHECKPOINT_TOO_LARGE: never(Code.INVALID_ARGUMENT),
  ERROR_TOO_LARGE: never(Code.INVALID_ARGUMENT),
  RECORD_NOT_FOUND: never(Code.NOT_FOUND),
  TENANT_FORBIDDEN: never(Code.PERMISSION_DENIED),
  TENANT_NOT_FOUND: never(Code.NOT_FOUND),
  TENANT_PENDING: after(1000, Code.UNAVAILABLE),
  TENANT_DISABLED: never(Code.FAILED_PRECONDITION),
  TENANT_DRAINING: never(Code.FAILED_PRECONDITION),
  TENANT_UNVERIFIED: never(Code.FAILED_PRECONDITION),
  CREDENTIALS_INVALID: never(Code.UNAUTHENTICATED),
  ROLE_REQUIRED: never(Code.PERMISSION_DENIED),
  QUOTA_NEW_RECORDS: after(1000, Code.RESOURCE_EXHAUSTED),
  // What only the end of other records frees takes longer than a rate that refills each second.
  QUOTA_LIVE_RECORDS: after(10_000, Code.RESOURCE_EXHAUSTED),
  QUOTA_BYTES: after(10_000, Code.RESOURCE_EXHAUSTED),
  QUOTA_LEASES: after(1000, Code.RESOURCE_EXHAUSTED),
  QUOTA_WAITERS: after(1000, Code.RESOURCE_EXHAUSTED),
  STORE_UNAVAILABLE: after(500, Code.UNAVAILABLE),
  DRAINING: after(100, Code.UNAVAILABLE),
  OVERLOADED: after(200, Code.RESOURCE_EXHAUSTED),
  INTERNAL: never(Code.INTERNAL),
  DEADLINE_EXCEEDED: never(Code.DEADLINE_EXCEEDED),
  CANCELLED: never(Code.CANCELLED),
  TENANT_EXISTS: never(Code.ALREADY_EXISTS),
  HOST_TAKEN: never(Code.ALREADY_EXISTS),
  ISSUER_TAKEN: never(Code.ALREADY_EXISTS),
  TENANT_CHANGED: never(Code.ABORTED),
  VALIDATION_REFUSED: never(Code.FAILED_PRECONDITION),
  // A URL is fetched once in 30 s at most.
  VALIDATION_UNCERTAIN: after(30_000, Code.UNAVAILABLE),
  API_KEY_NOT_FOUND: never(Code.NOT_FOUND),
  RECORD_CHANGED: never(Code.ABORTED),
} as const satisfies Record<FaultCode, Wire>;

/**
 * The one place where what was thrown becomes what is sent. Of anything but a `Fault` nothing is sent but the request
 * id; it goes along as the cause, for the log.
 *
 * @param random spreads the retries of callers who failed at the same moment; 0 up to but not including 1
 */
export function toRpcError(thrown: unknown, context: CallContext, random: () => number): RpcError {
  if (thrown instanceof RpcError) return thrown;
  if (!(thrown instanceof Fault)) return internal(thrown, context);
  if (thrown.code === "INTERNAL") return internal(thrown.cause ?? thrown, context);
  const wire: Wire = WIRE[thrown.code];
  const retryAfterMs = wire.retryAfterMs === null ? null : spread(thrown.retryAfterMs ?? wire.retryAfterMs, random());
  const details = [errorInfo(thrown.code)];
  if (retryAfterMs !== null) details.push(detail(RetryInfoSchema, { retryDelay: toDuration(retryAfterMs) }));
  if (thrown.violations.length > 0) details.push(badRequest(thrown));
  if (thrown.code.startsWith("QUOTA_")) details.push(quotaFailure(thrown));
  const { code, cause, message } = thrown;
  return new RpcError({ code: wire.code, reason: code, message, details, retryAfterMs, cause });
}

function internal(cause: unknown, { requestId }: CallContext): RpcError {
  return new RpcError({
    code: WIRE.INTERNAL.code,
    reason: "INTERNAL",
    message: `internal error; the server's log has it under request id ${requestId}`,
    details: [errorInfo("INTERNAL"), detail(RequestInfoSchema, { requestId })],
    retryAfterMs: null,
    cause,
  });
}

/** Whole milliseconds, up to half as much again: grpc-retry-pushback-ms is obeyed to the letter, so the spread is ours. */
function spread(retryAfterMs: number, random: number): number {
  return Math.max(1, Math.ceil(retryAfterMs * (1 + random / 2)));
}

function errorInfo(reason: FaultCode): RpcErrorDetail {
  return detail(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN });
}

function badRequest({ violations }: Fault): RpcErrorDetail {
  const fieldViolations = violations.map(({ field, allowed }) => ({ field, description: allowed }));
  return detail(BadRequestSchema, { fieldViolations });
}

function quotaFailure({ code, message }: Fault): RpcErrorDetail {
  const subject = code.slice("QUOTA_".length).toLowerCase();
  return detail(QuotaFailureSchema, { violations: [{ subject: `tenant:${subject}`, description: message }] });
}
