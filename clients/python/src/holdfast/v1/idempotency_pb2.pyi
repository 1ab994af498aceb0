import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from holdfast.v1 import tenant_pb2 as _tenant_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_STATE_UNSPECIFIED: _ClassVar[RecordState]
    RECORD_STATE_IN_PROGRESS: _ClassVar[RecordState]
    RECORD_STATE_AVAILABLE: _ClassVar[RecordState]
    RECORD_STATE_COMPLETED: _ClassVar[RecordState]
    RECORD_STATE_FAILED: _ClassVar[RecordState]
    RECORD_STATE_OUTCOME_UNKNOWN: _ClassVar[RecordState]
    RECORD_STATE_EXPIRED: _ClassVar[RecordState]

class ClaimIntent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_INTENT_UNSPECIFIED: _ClassVar[ClaimIntent]
    CLAIM_INTENT_EXECUTE: _ClassVar[ClaimIntent]
    CLAIM_INTENT_RECONCILE: _ClassVar[ClaimIntent]

class ReusePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REUSE_POLICY_UNSPECIFIED: _ClassVar[ReusePolicy]
    REUSE_POLICY_REPLAY_ALL: _ClassVar[ReusePolicy]
    REUSE_POLICY_RETRY_FAILED: _ClassVar[ReusePolicy]
    REUSE_POLICY_REJECT: _ClassVar[ReusePolicy]

class LeaseExpiryPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_EXPIRY_POLICY_UNSPECIFIED: _ClassVar[LeaseExpiryPolicy]
    LEASE_EXPIRY_POLICY_REACQUIRE: _ClassVar[LeaseExpiryPolicy]
    LEASE_EXPIRY_POLICY_HOLD: _ClassVar[LeaseExpiryPolicy]

class ClaimOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_OUTCOME_UNSPECIFIED: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_ACQUIRED: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_IN_PROGRESS: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_COMPLETED: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_FAILED: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_RETRY_SCHEDULED: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_OUTCOME_UNKNOWN: _ClassVar[ClaimOutcome]
    CLAIM_OUTCOME_EXPIRED: _ClassVar[ClaimOutcome]

class AcquireReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACQUIRE_REASON_UNSPECIFIED: _ClassVar[AcquireReason]
    ACQUIRE_REASON_NEW: _ClassVar[AcquireReason]
    ACQUIRE_REASON_REATTACHED: _ClassVar[AcquireReason]
    ACQUIRE_REASON_TAKEOVER: _ClassVar[AcquireReason]
    ACQUIRE_REASON_RETRY: _ClassVar[AcquireReason]
    ACQUIRE_REASON_RECONCILE: _ClassVar[AcquireReason]

class FailReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAIL_REASON_UNSPECIFIED: _ClassVar[FailReason]
    FAIL_REASON_REPORTED: _ClassVar[FailReason]
    FAIL_REASON_MAX_ATTEMPTS: _ClassVar[FailReason]
    FAIL_REASON_RESOLVED: _ClassVar[FailReason]

class UnknownReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNKNOWN_REASON_UNSPECIFIED: _ClassVar[UnknownReason]
    UNKNOWN_REASON_LEASE_EXPIRED: _ClassVar[UnknownReason]
    UNKNOWN_REASON_REPORTED: _ClassVar[UnknownReason]
    UNKNOWN_REASON_STORE_RESTORED: _ClassVar[UnknownReason]

class FailKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAIL_KIND_UNSPECIFIED: _ClassVar[FailKind]
    FAIL_KIND_RETRYABLE: _ClassVar[FailKind]
    FAIL_KIND_TERMINAL: _ClassVar[FailKind]
    FAIL_KIND_OUTCOME_UNKNOWN: _ClassVar[FailKind]
    FAIL_KIND_NOT_STARTED: _ClassVar[FailKind]

class WaitMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAIT_MODE_UNSPECIFIED: _ClassVar[WaitMode]
    WAIT_MODE_ALL: _ClassVar[WaitMode]
    WAIT_MODE_ANY: _ClassVar[WaitMode]
RECORD_STATE_UNSPECIFIED: RecordState
RECORD_STATE_IN_PROGRESS: RecordState
RECORD_STATE_AVAILABLE: RecordState
RECORD_STATE_COMPLETED: RecordState
RECORD_STATE_FAILED: RecordState
RECORD_STATE_OUTCOME_UNKNOWN: RecordState
RECORD_STATE_EXPIRED: RecordState
CLAIM_INTENT_UNSPECIFIED: ClaimIntent
CLAIM_INTENT_EXECUTE: ClaimIntent
CLAIM_INTENT_RECONCILE: ClaimIntent
REUSE_POLICY_UNSPECIFIED: ReusePolicy
REUSE_POLICY_REPLAY_ALL: ReusePolicy
REUSE_POLICY_RETRY_FAILED: ReusePolicy
REUSE_POLICY_REJECT: ReusePolicy
LEASE_EXPIRY_POLICY_UNSPECIFIED: LeaseExpiryPolicy
LEASE_EXPIRY_POLICY_REACQUIRE: LeaseExpiryPolicy
LEASE_EXPIRY_POLICY_HOLD: LeaseExpiryPolicy
CLAIM_OUTCOME_UNSPECIFIED: ClaimOutcome
CLAIM_OUTCOME_ACQUIRED: ClaimOutcome
CLAIM_OUTCOME_IN_PROGRESS: ClaimOutcome
CLAIM_OUTCOME_COMPLETED: ClaimOutcome
CLAIM_OUTCOME_FAILED: ClaimOutcome
CLAIM_OUTCOME_RETRY_SCHEDULED: ClaimOutcome
CLAIM_OUTCOME_OUTCOME_UNKNOWN: ClaimOutcome
CLAIM_OUTCOME_EXPIRED: ClaimOutcome
ACQUIRE_REASON_UNSPECIFIED: AcquireReason
ACQUIRE_REASON_NEW: AcquireReason
ACQUIRE_REASON_REATTACHED: AcquireReason
ACQUIRE_REASON_TAKEOVER: AcquireReason
ACQUIRE_REASON_RETRY: AcquireReason
ACQUIRE_REASON_RECONCILE: AcquireReason
FAIL_REASON_UNSPECIFIED: FailReason
FAIL_REASON_REPORTED: FailReason
FAIL_REASON_MAX_ATTEMPTS: FailReason
FAIL_REASON_RESOLVED: FailReason
UNKNOWN_REASON_UNSPECIFIED: UnknownReason
UNKNOWN_REASON_LEASE_EXPIRED: UnknownReason
UNKNOWN_REASON_REPORTED: UnknownReason
UNKNOWN_REASON_STORE_RESTORED: UnknownReason
FAIL_KIND_UNSPECIFIED: FailKind
FAIL_KIND_RETRYABLE: FailKind
FAIL_KIND_TERMINAL: FailKind
FAIL_KIND_OUTCOME_UNKNOWN: FailKind
FAIL_KIND_NOT_STARTED: FailKind
WAIT_MODE_UNSPECIFIED: WaitMode
WAIT_MODE_ALL: WaitMode
WAIT_MODE_ANY: WaitMode

class RecordKey(_message.Message):
    __slots__ = ("tenant", "scope", "key")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    scope: str
    key: str
    def __init__(self, tenant: _Optional[str] = ..., scope: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class Fingerprint(_message.Message):
    __slots__ = ("algorithm", "digest")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    algorithm: str
    digest: bytes
    def __init__(self, algorithm: _Optional[str] = ..., digest: _Optional[bytes] = ...) -> None: ...

class Owner(_message.Message):
    __slots__ = ("service", "instance")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    service: str
    instance: str
    def __init__(self, service: _Optional[str] = ..., instance: _Optional[str] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("key", "state", "attempt", "fence", "owner", "external_ref", "metadata", "checkpoint", "progress", "create_time", "attempt_start_time", "lease_expire_time", "end_time", "result_expire_time", "tombstone_expire_time", "due_time", "policy", "unknown_reason", "fail_reason", "reconciling", "has_waiters", "traceparent")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REF_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_START_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RESULT_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_REASON_FIELD_NUMBER: _ClassVar[int]
    FAIL_REASON_FIELD_NUMBER: _ClassVar[int]
    RECONCILING_FIELD_NUMBER: _ClassVar[int]
    HAS_WAITERS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    state: RecordState
    attempt: int
    fence: int
    owner: Owner
    external_ref: str
    metadata: _containers.ScalarMap[str, str]
    checkpoint: Checkpoint
    progress: Progress
    create_time: _timestamp_pb2.Timestamp
    attempt_start_time: _timestamp_pb2.Timestamp
    lease_expire_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    result_expire_time: _timestamp_pb2.Timestamp
    tombstone_expire_time: _timestamp_pb2.Timestamp
    due_time: _timestamp_pb2.Timestamp
    policy: ClaimPolicy
    unknown_reason: UnknownReason
    fail_reason: FailReason
    reconciling: bool
    has_waiters: bool
    traceparent: str
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., state: _Optional[_Union[RecordState, str]] = ..., attempt: _Optional[int] = ..., fence: _Optional[int] = ..., owner: _Optional[_Union[Owner, _Mapping]] = ..., external_ref: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tombstone_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., policy: _Optional[_Union[ClaimPolicy, _Mapping]] = ..., unknown_reason: _Optional[_Union[UnknownReason, str]] = ..., fail_reason: _Optional[_Union[FailReason, str]] = ..., reconciling: bool = ..., has_waiters: bool = ..., traceparent: _Optional[str] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("name", "sequence", "data", "content_type", "record_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    sequence: int
    data: bytes
    content_type: str
    record_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., sequence: _Optional[int] = ..., data: _Optional[bytes] = ..., content_type: _Optional[str] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("fraction", "message")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    message: str
    def __init__(self, fraction: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("inline", "reference", "omitted_reason", "content_type", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INLINE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OMITTED_REASON_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    inline: bytes
    reference: ResultReference
    omitted_reason: str
    content_type: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, inline: _Optional[bytes] = ..., reference: _Optional[_Union[ResultReference, _Mapping]] = ..., omitted_reason: _Optional[str] = ..., content_type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ResultReference(_message.Message):
    __slots__ = ("uri", "sha256", "size_bytes")
    URI_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    uri: str
    sha256: bytes
    size_bytes: int
    def __init__(self, uri: _Optional[str] = ..., sha256: _Optional[bytes] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class ClaimPolicy(_message.Message):
    __slots__ = ("on_lease_expiry", "max_attempts", "max_execution", "result_retention", "tombstone_retention")
    ON_LEASE_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_EXECUTION_FIELD_NUMBER: _ClassVar[int]
    RESULT_RETENTION_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_RETENTION_FIELD_NUMBER: _ClassVar[int]
    on_lease_expiry: LeaseExpiryPolicy
    max_attempts: int
    max_execution: _duration_pb2.Duration
    result_retention: _duration_pb2.Duration
    tombstone_retention: _duration_pb2.Duration
    def __init__(self, on_lease_expiry: _Optional[_Union[LeaseExpiryPolicy, str]] = ..., max_attempts: _Optional[int] = ..., max_execution: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., result_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tombstone_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ClaimRequest(_message.Message):
    __slots__ = ("key", "claim_id", "fingerprint", "lease", "wait", "intent", "policy", "owner", "metadata", "external_ref", "reuse")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REF_FIELD_NUMBER: _ClassVar[int]
    REUSE_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    claim_id: str
    fingerprint: Fingerprint
    lease: _duration_pb2.Duration
    wait: _duration_pb2.Duration
    intent: ClaimIntent
    policy: ClaimPolicy
    owner: Owner
    metadata: _containers.ScalarMap[str, str]
    external_ref: str
    reuse: ReusePolicy
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., claim_id: _Optional[str] = ..., fingerprint: _Optional[_Union[Fingerprint, _Mapping]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., intent: _Optional[_Union[ClaimIntent, str]] = ..., policy: _Optional[_Union[ClaimPolicy, _Mapping]] = ..., owner: _Optional[_Union[Owner, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., external_ref: _Optional[str] = ..., reuse: _Optional[_Union[ReusePolicy, str]] = ...) -> None: ...

class ClaimResponse(_message.Message):
    __slots__ = ("outcome", "acquired", "in_progress", "completed", "failed", "retry_scheduled", "outcome_unknown", "expired", "policy_differs")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ACQUIRED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    RETRY_SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIFFERS_FIELD_NUMBER: _ClassVar[int]
    outcome: ClaimOutcome
    acquired: Acquired
    in_progress: InProgress
    completed: Completed
    failed: Failed
    retry_scheduled: RetryScheduled
    outcome_unknown: OutcomeUnknown
    expired: Expired
    policy_differs: bool
    def __init__(self, outcome: _Optional[_Union[ClaimOutcome, str]] = ..., acquired: _Optional[_Union[Acquired, _Mapping]] = ..., in_progress: _Optional[_Union[InProgress, _Mapping]] = ..., completed: _Optional[_Union[Completed, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ..., retry_scheduled: _Optional[_Union[RetryScheduled, _Mapping]] = ..., outcome_unknown: _Optional[_Union[OutcomeUnknown, _Mapping]] = ..., expired: _Optional[_Union[Expired, _Mapping]] = ..., policy_differs: bool = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("handle", "fence", "attempt", "expire_time", "remaining", "waited", "heartbeat_interval")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    WAITED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    handle: LeaseHandle
    fence: int
    attempt: int
    expire_time: _timestamp_pb2.Timestamp
    remaining: _duration_pb2.Duration
    waited: _duration_pb2.Duration
    heartbeat_interval: _duration_pb2.Duration
    def __init__(self, handle: _Optional[_Union[LeaseHandle, _Mapping]] = ..., fence: _Optional[int] = ..., attempt: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., waited: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Acquired(_message.Message):
    __slots__ = ("lease", "reason", "last_checkpoint", "previous_error")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_ERROR_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    reason: AcquireReason
    last_checkpoint: Checkpoint
    previous_error: _status_pb2.Status
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., reason: _Optional[_Union[AcquireReason, str]] = ..., last_checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., previous_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class InProgress(_message.Message):
    __slots__ = ("owner", "attempt", "attempt_start_time", "lease_expire_time", "retry_after", "progress")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_START_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    owner: Owner
    attempt: int
    attempt_start_time: _timestamp_pb2.Timestamp
    lease_expire_time: _timestamp_pb2.Timestamp
    retry_after: _duration_pb2.Duration
    progress: Progress
    def __init__(self, owner: _Optional[_Union[Owner, _Mapping]] = ..., attempt: _Optional[int] = ..., attempt_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class Completed(_message.Message):
    __slots__ = ("result", "end_time", "attempt", "result_expire_time")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RESULT_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    result: Result
    end_time: _timestamp_pb2.Timestamp
    attempt: int
    result_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, result: _Optional[_Union[Result, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., result_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("error", "reason", "end_time", "attempt")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    error: _status_pb2.Status
    reason: FailReason
    end_time: _timestamp_pb2.Timestamp
    attempt: int
    def __init__(self, error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., reason: _Optional[_Union[FailReason, str]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ...) -> None: ...

class RetryScheduled(_message.Message):
    __slots__ = ("due_time", "retry_after", "last_error", "attempt")
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    due_time: _timestamp_pb2.Timestamp
    retry_after: _duration_pb2.Duration
    last_error: _status_pb2.Status
    attempt: int
    def __init__(self, due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., attempt: _Optional[int] = ...) -> None: ...

class OutcomeUnknown(_message.Message):
    __slots__ = ("reason", "since", "last_owner", "attempt", "last_checkpoint", "external_ref")
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    LAST_OWNER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LAST_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REF_FIELD_NUMBER: _ClassVar[int]
    reason: UnknownReason
    since: _timestamp_pb2.Timestamp
    last_owner: Owner
    attempt: int
    last_checkpoint: Checkpoint
    external_ref: str
    def __init__(self, reason: _Optional[_Union[UnknownReason, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_owner: _Optional[_Union[Owner, _Mapping]] = ..., attempt: _Optional[int] = ..., last_checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., external_ref: _Optional[str] = ...) -> None: ...

class Expired(_message.Message):
    __slots__ = ("terminal_state", "end_time", "tombstone_expire_time")
    TERMINAL_STATE_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    terminal_state: RecordState
    end_time: _timestamp_pb2.Timestamp
    tombstone_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, terminal_state: _Optional[_Union[RecordState, str]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tombstone_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeaseHandle(_message.Message):
    __slots__ = ("key", "token", "fence")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    token: bytes
    fence: int
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., token: _Optional[bytes] = ..., fence: _Optional[int] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("handle", "lease", "checkpoint", "progress", "external_ref")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REF_FIELD_NUMBER: _ClassVar[int]
    handle: LeaseHandle
    lease: _duration_pb2.Duration
    checkpoint: Checkpoint
    progress: Progress
    external_ref: str
    def __init__(self, handle: _Optional[_Union[LeaseHandle, _Mapping]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., external_ref: _Optional[str] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("lease", "has_waiters")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    HAS_WAITERS_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    has_waiters: bool
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., has_waiters: bool = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("handle", "result")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    handle: LeaseHandle
    result: Result
    def __init__(self, handle: _Optional[_Union[LeaseHandle, _Mapping]] = ..., result: _Optional[_Union[Result, _Mapping]] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("already_applied", "late", "result_expire_time")
    ALREADY_APPLIED_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    RESULT_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    already_applied: bool
    late: bool
    result_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, already_applied: bool = ..., late: bool = ..., result_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FailRequest(_message.Message):
    __slots__ = ("handle", "kind", "error", "delay", "checkpoint")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    handle: LeaseHandle
    kind: FailKind
    error: _status_pb2.Status
    delay: _duration_pb2.Duration
    checkpoint: Checkpoint
    def __init__(self, handle: _Optional[_Union[LeaseHandle, _Mapping]] = ..., kind: _Optional[_Union[FailKind, str]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...

class FailResponse(_message.Message):
    __slots__ = ("state", "already_applied", "late", "due_time")
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALREADY_APPLIED_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    state: RecordState
    already_applied: bool
    late: bool
    due_time: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[RecordState, str]] = ..., already_applied: bool = ..., late: bool = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetRecordRequest(_message.Message):
    __slots__ = ("key", "fingerprint", "include_result")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RESULT_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    fingerprint: Fingerprint
    include_result: bool
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., fingerprint: _Optional[_Union[Fingerprint, _Mapping]] = ..., include_result: bool = ...) -> None: ...

class GetRecordResponse(_message.Message):
    __slots__ = ("record", "result", "error")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    record: Record
    result: Result
    error: _status_pb2.Status
    def __init__(self, record: _Optional[_Union[Record, _Mapping]] = ..., result: _Optional[_Union[Result, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class WaitForRequest(_message.Message):
    __slots__ = ("targets", "mode", "timeout", "keep_alive_interval", "include_result", "must_exist")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RESULT_FIELD_NUMBER: _ClassVar[int]
    MUST_EXIST_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[WaitTarget]
    mode: WaitMode
    timeout: _duration_pb2.Duration
    keep_alive_interval: _duration_pb2.Duration
    include_result: bool
    must_exist: bool
    def __init__(self, targets: _Optional[_Iterable[_Union[WaitTarget, _Mapping]]] = ..., mode: _Optional[_Union[WaitMode, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., keep_alive_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., include_result: bool = ..., must_exist: bool = ...) -> None: ...

class WaitTarget(_message.Message):
    __slots__ = ("key", "fingerprint")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    fingerprint: Fingerprint
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., fingerprint: _Optional[_Union[Fingerprint, _Mapping]] = ...) -> None: ...

class WaitForResponse(_message.Message):
    __slots__ = ("target_index", "snapshot", "progress", "lease_changed", "outcome_unknown", "ended", "keep_alive", "finish", "checkpoint")
    TARGET_INDEX_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LEASE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    target_index: int
    snapshot: Snapshot
    progress: Progress
    lease_changed: LeaseChanged
    outcome_unknown: OutcomeUnknown
    ended: Ended
    keep_alive: KeepAlive
    finish: Finish
    checkpoint: Checkpoint
    def __init__(self, target_index: _Optional[int] = ..., snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., lease_changed: _Optional[_Union[LeaseChanged, _Mapping]] = ..., outcome_unknown: _Optional[_Union[OutcomeUnknown, _Mapping]] = ..., ended: _Optional[_Union[Ended, _Mapping]] = ..., keep_alive: _Optional[_Union[KeepAlive, _Mapping]] = ..., finish: _Optional[_Union[Finish, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("record", "absent")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    record: Record
    absent: bool
    def __init__(self, record: _Optional[_Union[Record, _Mapping]] = ..., absent: bool = ...) -> None: ...

class LeaseChanged(_message.Message):
    __slots__ = ("kind", "attempt", "owner", "due_time")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[LeaseChanged.Kind]
        KIND_LAPSED: _ClassVar[LeaseChanged.Kind]
        KIND_TAKEN_OVER: _ClassVar[LeaseChanged.Kind]
        KIND_RELEASED: _ClassVar[LeaseChanged.Kind]
        KIND_RETRY_SCHEDULED: _ClassVar[LeaseChanged.Kind]
    KIND_UNSPECIFIED: LeaseChanged.Kind
    KIND_LAPSED: LeaseChanged.Kind
    KIND_TAKEN_OVER: LeaseChanged.Kind
    KIND_RELEASED: LeaseChanged.Kind
    KIND_RETRY_SCHEDULED: LeaseChanged.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    kind: LeaseChanged.Kind
    attempt: int
    owner: Owner
    due_time: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[LeaseChanged.Kind, str]] = ..., attempt: _Optional[int] = ..., owner: _Optional[_Union[Owner, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Ended(_message.Message):
    __slots__ = ("completed", "failed", "expired")
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    completed: Completed
    failed: Failed
    expired: Expired
    def __init__(self, completed: _Optional[_Union[Completed, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ..., expired: _Optional[_Union[Expired, _Mapping]] = ...) -> None: ...

class KeepAlive(_message.Message):
    __slots__ = ("server_time", "polling")
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    POLLING_FIELD_NUMBER: _ClassVar[int]
    server_time: _timestamp_pb2.Timestamp
    polling: bool
    def __init__(self, server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., polling: bool = ...) -> None: ...

class Finish(_message.Message):
    __slots__ = ("reason",)
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Finish.Reason]
        REASON_DONE: _ClassVar[Finish.Reason]
        REASON_TIMEOUT: _ClassVar[Finish.Reason]
        REASON_DRAINING: _ClassVar[Finish.Reason]
        REASON_MAX_AGE: _ClassVar[Finish.Reason]
    REASON_UNSPECIFIED: Finish.Reason
    REASON_DONE: Finish.Reason
    REASON_TIMEOUT: Finish.Reason
    REASON_DRAINING: Finish.Reason
    REASON_MAX_AGE: Finish.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: Finish.Reason
    def __init__(self, reason: _Optional[_Union[Finish.Reason, str]] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ("id", "timeout", "traceparent", "claim", "heartbeat", "complete", "fail", "cancel")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    id: int
    timeout: _duration_pb2.Duration
    traceparent: str
    claim: ClaimRequest
    heartbeat: HeartbeatRequest
    complete: CompleteRequest
    fail: FailRequest
    cancel: SessionCancel
    def __init__(self, id: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., traceparent: _Optional[str] = ..., claim: _Optional[_Union[ClaimRequest, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatRequest, _Mapping]] = ..., complete: _Optional[_Union[CompleteRequest, _Mapping]] = ..., fail: _Optional[_Union[FailRequest, _Mapping]] = ..., cancel: _Optional[_Union[SessionCancel, _Mapping]] = ...) -> None: ...

class SessionCancel(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ("id", "claim", "heartbeat", "complete", "fail", "error", "hello", "goodbye")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    id: int
    claim: ClaimResponse
    heartbeat: HeartbeatResponse
    complete: CompleteResponse
    fail: FailResponse
    error: _status_pb2.Status
    hello: SessionHello
    goodbye: SessionGoodbye
    def __init__(self, id: _Optional[int] = ..., claim: _Optional[_Union[ClaimResponse, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatResponse, _Mapping]] = ..., complete: _Optional[_Union[CompleteResponse, _Mapping]] = ..., fail: _Optional[_Union[FailResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., hello: _Optional[_Union[SessionHello, _Mapping]] = ..., goodbye: _Optional[_Union[SessionGoodbye, _Mapping]] = ...) -> None: ...

class SessionHello(_message.Message):
    __slots__ = ("calls_max", "waits_max", "request_bytes_max")
    CALLS_MAX_FIELD_NUMBER: _ClassVar[int]
    WAITS_MAX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    calls_max: int
    waits_max: int
    request_bytes_max: int
    def __init__(self, calls_max: _Optional[int] = ..., waits_max: _Optional[int] = ..., request_bytes_max: _Optional[int] = ...) -> None: ...

class SessionGoodbye(_message.Message):
    __slots__ = ("reason",)
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[SessionGoodbye.Reason]
        REASON_DRAINING: _ClassVar[SessionGoodbye.Reason]
        REASON_MAX_AGE: _ClassVar[SessionGoodbye.Reason]
    REASON_UNSPECIFIED: SessionGoodbye.Reason
    REASON_DRAINING: SessionGoodbye.Reason
    REASON_MAX_AGE: SessionGoodbye.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: SessionGoodbye.Reason
    def __init__(self, reason: _Optional[_Union[SessionGoodbye.Reason, str]] = ...) -> None: ...
