// Made by `node scripts/reason-errors.ts` from proto/holdfast/v1/errors.proto: do not edit.
import { HoldfastError } from "./errors.ts";

/** INVALID_ARGUMENT. A field is missing, malformed or of an unknown value; google.rpc.BadRequest names every field. */
export class FieldInvalidError extends HoldfastError {
  override readonly name = "FieldInvalidError";
}

/** OUT_OF_RANGE. A duration is outside its bounds; google.rpc.BadRequest gives min and max. */
export class DurationOutOfRangeError extends HoldfastError {
  override readonly name = "DurationOutOfRangeError";
}

/** ALREADY_EXISTS. The caller asked for REUSE_POLICY_REJECT and a record exists. */
export class RecordExistsError extends HoldfastError {
  override readonly name = "RecordExistsError";
}

/** ABORTED. A newer attempt, a reconciler's verdict or an operator has taken the record. Claim again. */
export class LeaseSupersededError extends HoldfastError {
  override readonly name = "LeaseSupersededError";
}

/** PERMISSION_DENIED. The token was never given out for this fence. */
export class LeaseTokenInvalidError extends HoldfastError {
  override readonly name = "LeaseTokenInvalidError";
}

/** FAILED_PRECONDITION. The attempt that this claim_id began has ended; use a new claim_id. */
export class ClaimEndedError extends HoldfastError {
  override readonly name = "ClaimEndedError";
}

/** FAILED_PRECONDITION. The record's state does not allow this call. */
export class InvalidStateError extends HoldfastError {
  override readonly name = "InvalidStateError";
}

/** INVALID_ARGUMENT. The result is over its limit; the lease is kept. Send a reference, or omit the body. */
export class ResultTooLargeError extends HoldfastError {
  override readonly name = "ResultTooLargeError";
}

/** INVALID_ARGUMENT. The checkpoint is over its limit; the lease is kept. */
export class CheckpointTooLargeError extends HoldfastError {
  override readonly name = "CheckpointTooLargeError";
}

/** INVALID_ARGUMENT. The error is over its limit; the lease is kept. */
export class ErrorTooLargeError extends HoldfastError {
  override readonly name = "ErrorTooLargeError";
}

/** NOT_FOUND. No such record. */
export class RecordNotFoundError extends HoldfastError {
  override readonly name = "RecordNotFoundError";
}

/** PERMISSION_DENIED. The tenant is unknown or not visible to this credential; which of the two is not told. */
export class TenantForbiddenError extends HoldfastError {
  override readonly name = "TenantForbiddenError";
}

/** NOT_FOUND. The tenant is unknown, on a server without authentication. */
export class TenantNotFoundError extends HoldfastError {
  override readonly name = "TenantNotFoundError";
}

/** UNAVAILABLE. The tenant is being set up; retry. */
export class TenantPendingError extends HoldfastError {
  override readonly name = "TenantPendingError";
}

/** FAILED_PRECONDITION. The tenant is disabled: nothing is acquired, what is held may finish. */
export class TenantDisabledError extends HoldfastError {
  override readonly name = "TenantDisabledError";
}

/** FAILED_PRECONDITION. The tenant is draining: nothing is acquired, what is held may finish. */
export class TenantDrainingError extends HoldfastError {
  override readonly name = "TenantDrainingError";
}

/** FAILED_PRECONDITION. The tenant's health is outside the states it may serve in. */
export class TenantUnverifiedError extends HoldfastError {
  override readonly name = "TenantUnverifiedError";
}

/** UNAUTHENTICATED. No credential, or a bad one; one text for all causes. */
export class CredentialsInvalidError extends HoldfastError {
  override readonly name = "CredentialsInvalidError";
}

/** PERMISSION_DENIED. The credential lacks the role. */
export class RoleRequiredError extends HoldfastError {
  override readonly name = "RoleRequiredError";
}

/** RESOURCE_EXHAUSTED. Too many new records a second. */
export class QuotaNewRecordsError extends HoldfastError {
  override readonly name = "QuotaNewRecordsError";
}

/** RESOURCE_EXHAUSTED. Too many live records. */
export class QuotaLiveRecordsError extends HoldfastError {
  override readonly name = "QuotaLiveRecordsError";
}

/** RESOURCE_EXHAUSTED. Too many stored bytes. */
export class QuotaBytesError extends HoldfastError {
  override readonly name = "QuotaBytesError";
}

/** RESOURCE_EXHAUSTED. Too many leases. */
export class QuotaLeasesError extends HoldfastError {
  override readonly name = "QuotaLeasesError";
}

/** RESOURCE_EXHAUSTED. Too many waiters. */
export class QuotaWaitersError extends HoldfastError {
  override readonly name = "QuotaWaitersError";
}

/** UNAVAILABLE. The database is down or failing over. Retry with the same claim_id. */
export class StoreUnavailableError extends HoldfastError {
  override readonly name = "StoreUnavailableError";
}

/** UNAVAILABLE. This server is shutting down. Retry: another one answers. */
export class DrainingError extends HoldfastError {
  override readonly name = "DrainingError";
}

/**
 * RESOURCE_EXHAUSTED. This server's queue is full, or this caller has too many calls under way. Retry after the given
 * delay.
 */
export class OverloadedError extends HoldfastError {
  override readonly name = "OverloadedError";
}

/** INTERNAL. A bug of the server; carries a request id and nothing else. */
export class InternalError extends HoldfastError {
  override readonly name = "InternalError";
}

/** DEADLINE_EXCEEDED. The caller's deadline passed before the answer; whether the call took effect is not known. */
export class DeadlineExceededError extends HoldfastError {
  override readonly name = "DeadlineExceededError";
}

/** CANCELLED. The caller went away; whether the call took effect is not known. */
export class CancelledError extends HoldfastError {
  override readonly name = "CancelledError";
}

/** ALREADY_EXISTS. A tenant of this id is registered. */
export class TenantExistsError extends HoldfastError {
  override readonly name = "TenantExistsError";
}

/** ALREADY_EXISTS. A host, with its path, belongs to another tenant; the message names the host. */
export class HostTakenError extends HoldfastError {
  override readonly name = "HostTakenError";
}

/** ALREADY_EXISTS. An issuer, with its subject, belongs to another tenant. */
export class IssuerTakenError extends HoldfastError {
  override readonly name = "IssuerTakenError";
}

/** ABORTED. The tenant's registration has changed since it was read. Read it again. */
export class TenantChangedError extends HoldfastError {
  override readonly name = "TenantChangedError";
}

/** FAILED_PRECONDITION. The validator does not accept the new registration; the old one stays. */
export class ValidationRefusedError extends HoldfastError {
  override readonly name = "ValidationRefusedError";
}

/** UNAVAILABLE. The validator could not be asked about the new registration; the old one stays. Retry. */
export class ValidationUncertainError extends HoldfastError {
  override readonly name = "ValidationUncertainError";
}

/** NOT_FOUND. No such API key, or one of a tenant that is not visible to this credential. */
export class ApiKeyNotFoundError extends HoldfastError {
  override readonly name = "ApiKeyNotFoundError";
}

/** ABORTED. The record has changed since it was read: its fence is another. Look at it again. */
export class RecordChangedError extends HoldfastError {
  override readonly name = "RecordChangedError";
}
