import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TenantHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TENANT_HEALTH_UNSPECIFIED: _ClassVar[TenantHealth]
    TENANT_HEALTH_PENDING: _ClassVar[TenantHealth]
    TENANT_HEALTH_HEALTHY: _ClassVar[TenantHealth]
    TENANT_HEALTH_UNVERIFIED: _ClassVar[TenantHealth]
    TENANT_HEALTH_DISABLED: _ClassVar[TenantHealth]

class Admission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADMISSION_UNSPECIFIED: _ClassVar[Admission]
    ADMISSION_ADMIT: _ClassVar[Admission]
    ADMISSION_ADMIT_DEGRADED: _ClassVar[Admission]
    ADMISSION_RETRY_LATER: _ClassVar[Admission]
    ADMISSION_REFUSE: _ClassVar[Admission]
TENANT_HEALTH_UNSPECIFIED: TenantHealth
TENANT_HEALTH_PENDING: TenantHealth
TENANT_HEALTH_HEALTHY: TenantHealth
TENANT_HEALTH_UNVERIFIED: TenantHealth
TENANT_HEALTH_DISABLED: TenantHealth
ADMISSION_UNSPECIFIED: Admission
ADMISSION_ADMIT: Admission
ADMISSION_ADMIT_DEGRADED: Admission
ADMISSION_RETRY_LATER: Admission
ADMISSION_REFUSE: Admission

class ResolveTenantRequest(_message.Message):
    __slots__ = ("tenant_id", "host", "issuer")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    host: HostPath
    issuer: IssuerSubject
    def __init__(self, tenant_id: _Optional[str] = ..., host: _Optional[_Union[HostPath, _Mapping]] = ..., issuer: _Optional[_Union[IssuerSubject, _Mapping]] = ...) -> None: ...

class HostPath(_message.Message):
    __slots__ = ("host", "path")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    host: str
    path: str
    def __init__(self, host: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class IssuerSubject(_message.Message):
    __slots__ = ("issuer", "subject")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    subject: str
    def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class ResolveTenantResponse(_message.Message):
    __slots__ = ("tenant_id", "display_name", "health", "health_reason", "health_since", "admission", "retry_after", "generation", "limits", "cache_ttl")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    HEALTH_REASON_FIELD_NUMBER: _ClassVar[int]
    HEALTH_SINCE_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CACHE_TTL_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    display_name: str
    health: TenantHealth
    health_reason: str
    health_since: _timestamp_pb2.Timestamp
    admission: Admission
    retry_after: _duration_pb2.Duration
    generation: int
    limits: TenantLimits
    cache_ttl: _duration_pb2.Duration
    def __init__(self, tenant_id: _Optional[str] = ..., display_name: _Optional[str] = ..., health: _Optional[_Union[TenantHealth, str]] = ..., health_reason: _Optional[str] = ..., health_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., admission: _Optional[_Union[Admission, str]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., generation: _Optional[int] = ..., limits: _Optional[_Union[TenantLimits, _Mapping]] = ..., cache_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TenantLimits(_message.Message):
    __slots__ = ("new_records_per_second", "new_records_burst", "live_records", "stored_bytes", "leases", "waiters")
    NEW_RECORDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    NEW_RECORDS_BURST_FIELD_NUMBER: _ClassVar[int]
    LIVE_RECORDS_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    WAITERS_FIELD_NUMBER: _ClassVar[int]
    new_records_per_second: float
    new_records_burst: int
    live_records: int
    stored_bytes: int
    leases: int
    waiters: int
    def __init__(self, new_records_per_second: _Optional[float] = ..., new_records_burst: _Optional[int] = ..., live_records: _Optional[int] = ..., stored_bytes: _Optional[int] = ..., leases: _Optional[int] = ..., waiters: _Optional[int] = ...) -> None: ...
