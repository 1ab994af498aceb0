"""One class for each reason of holdfast.v1.ErrorReason. Made by scripts/generate.py: do not edit."""

from ._errors import HoldfastError


class FieldInvalidError(HoldfastError):
    """
    INVALID_ARGUMENT. A field is missing, malformed or of an unknown value; google.rpc.BadRequest names every
    field.
    """


class DurationOutOfRangeError(HoldfastError):
    """OUT_OF_RANGE. A duration is outside its bounds; google.rpc.BadRequest gives min and max."""


class FingerprintMismatchError(HoldfastError):
    """ALREADY_EXISTS. The record was claimed with another payload. Says nothing of the stored request. Never retry."""


class RecordExistsError(HoldfastError):
    """ALREADY_EXISTS. The caller asked for REUSE_POLICY_REJECT and a record exists."""


class LeaseSupersededError(HoldfastError):
    """ABORTED. A newer attempt, a reconciler's verdict or an operator has taken the record. Claim again."""


class LeaseTokenInvalidError(HoldfastError):
    """PERMISSION_DENIED. The token was never given out for this fence."""


class ResultConflictError(HoldfastError):
    """FAILED_PRECONDITION. The attempt has already ended with other content."""


class ClaimEndedError(HoldfastError):
    """FAILED_PRECONDITION. The attempt that this claim_id began has ended; use a new claim_id."""


class InvalidStateError(HoldfastError):
    """FAILED_PRECONDITION. The record's state does not allow this call."""


class ResultTooLargeError(HoldfastError):
    """INVALID_ARGUMENT. The result is over its limit; the lease is kept. Send a reference, or omit the body."""


class CheckpointTooLargeError(HoldfastError):
    """INVALID_ARGUMENT. The checkpoint is over its limit; the lease is kept."""


class ErrorTooLargeError(HoldfastError):
    """INVALID_ARGUMENT. The error is over its limit; the lease is kept."""


class RecordNotFoundError(HoldfastError):
    """NOT_FOUND. No such record."""


class TenantForbiddenError(HoldfastError):
    """PERMISSION_DENIED. The tenant is unknown or not visible to this credential; which of the two is not told."""


class TenantNotFoundError(HoldfastError):
    """NOT_FOUND. The tenant is unknown, on a server without authentication."""


class TenantPendingError(HoldfastError):
    """UNAVAILABLE. The tenant is being set up; retry."""


class TenantDisabledError(HoldfastError):
    """FAILED_PRECONDITION. The tenant is disabled: nothing is acquired, what is held may finish."""


class TenantDrainingError(HoldfastError):
    """FAILED_PRECONDITION. The tenant is draining: nothing is acquired, what is held may finish."""


class TenantUnverifiedError(HoldfastError):
    """FAILED_PRECONDITION. The tenant's health is outside the states it may serve in."""


class CredentialsInvalidError(HoldfastError):
    """UNAUTHENTICATED. No credential, or a bad one; one text for all causes."""


class RoleRequiredError(HoldfastError):
    """PERMISSION_DENIED. The credential lacks the role."""


class QuotaNewRecordsError(HoldfastError):
    """RESOURCE_EXHAUSTED. Too many new records a second."""


class QuotaLiveRecordsError(HoldfastError):
    """RESOURCE_EXHAUSTED. Too many live records."""


class QuotaBytesError(HoldfastError):
    """RESOURCE_EXHAUSTED. Too many stored bytes."""


class QuotaLeasesError(HoldfastError):
    """RESOURCE_EXHAUSTED. Too many leases."""


class QuotaWaitersError(HoldfastError):
    """RESOURCE_EXHAUSTED. Too many waiters."""


class StoreUnavailableError(HoldfastError):
    """UNAVAILABLE. The database is down or failing over. Retry with the same claim_id."""


class DrainingError(HoldfastError):
    """UNAVAILABLE. This server is shutting down. Retry: another one answers."""


class OverloadedError(HoldfastError):
    """
    RESOURCE_EXHAUSTED. This server's queue is full, or this caller has too many calls under way. Retry after the
    given delay.
    """


class InternalError(HoldfastError):
    """INTERNAL. A bug of the server; carries a request id and nothing else."""


class DeadlineExceededError(HoldfastError):
    """DEADLINE_EXCEEDED. The caller's deadline passed before the answer; whether the call took effect is not known."""


class CancelledError(HoldfastError):
    """CANCELLED. The caller went away; whether the call took effect is not known."""


class TenantExistsError(HoldfastError):
    """ALREADY_EXISTS. A tenant of this id is registered."""


class HostTakenError(HoldfastError):
    """ALREADY_EXISTS. A host, with its path, belongs to another tenant; the message names the host."""


class IssuerTakenError(HoldfastError):
    """ALREADY_EXISTS. An issuer, with its subject, belongs to another tenant."""


class TenantChangedError(HoldfastError):
    """ABORTED. The tenant's registration has changed since it was read. Read it again."""


class ValidationRefusedError(HoldfastError):
    """FAILED_PRECONDITION. The validator does not accept the new registration; the old one stays."""


class ValidationUncertainError(HoldfastError):
    """UNAVAILABLE. The validator could not be asked about the new registration; the old one stays. Retry."""


class ApiKeyNotFoundError(HoldfastError):
    """NOT_FOUND. No such API key, or one of a tenant that is not visible to this credential."""


class RecordChangedError(HoldfastError):
    """ABORTED. The record has changed since it was read: its fence is another. Look at it again."""


REASONS: dict[str, type[HoldfastError]] = {
    "FIELD_INVALID": FieldInvalidError,
    "DURATION_OUT_OF_RANGE": DurationOutOfRangeError,
    "FINGERPRINT_MISMATCH": FingerprintMismatchError,
    "RECORD_EXISTS": RecordExistsError,
    "LEASE_SUPERSEDED": LeaseSupersededError,
    "LEASE_TOKEN_INVALID": LeaseTokenInvalidError,
    "RESULT_CONFLICT": ResultConflictError,
    "CLAIM_ENDED": ClaimEndedError,
    "INVALID_STATE": InvalidStateError,
    "RESULT_TOO_LARGE": ResultTooLargeError,
    "CHECKPOINT_TOO_LARGE": CheckpointTooLargeError,
    "ERROR_TOO_LARGE": ErrorTooLargeError,
    "RECORD_NOT_FOUND": RecordNotFoundError,
    "TENANT_FORBIDDEN": TenantForbiddenError,
    "TENANT_NOT_FOUND": TenantNotFoundError,
    "TENANT_PENDING": TenantPendingError,
    "TENANT_DISABLED": TenantDisabledError,
    "TENANT_DRAINING": TenantDrainingError,
    "TENANT_UNVERIFIED": TenantUnverifiedError,
    "CREDENTIALS_INVALID": CredentialsInvalidError,
    "ROLE_REQUIRED": RoleRequiredError,
    "QUOTA_NEW_RECORDS": QuotaNewRecordsError,
    "QUOTA_LIVE_RECORDS": QuotaLiveRecordsError,
    "QUOTA_BYTES": QuotaBytesError,
    "QUOTA_LEASES": QuotaLeasesError,
    "QUOTA_WAITERS": QuotaWaitersError,
    "STORE_UNAVAILABLE": StoreUnavailableError,
    "DRAINING": DrainingError,
    "OVERLOADED": OverloadedError,
    "INTERNAL": InternalError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "CANCELLED": CancelledError,
    "TENANT_EXISTS": TenantExistsError,
    "HOST_TAKEN": HostTakenError,
    "ISSUER_TAKEN": IssuerTakenError,
    "TENANT_CHANGED": TenantChangedError,
    "VALIDATION_REFUSED": ValidationRefusedError,
    "VALIDATION_UNCERTAIN": ValidationUncertainError,
    "API_KEY_NOT_FOUND": ApiKeyNotFoundError,
    "RECORD_CHANGED": RecordChangedError,
}
