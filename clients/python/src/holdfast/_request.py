"""What a claim says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from google.protobuf.duration_pb2 import Duration

from ._claim import new_claim_id
from ._failure import OnLeaseExpiry
from ._fingerprint import fingerprint
from ._limits import KEY, LABEL, SCOPE, Seconds, check_metadata, check_text, field_invalid, to_duration
from ._runtime import Runtime
from .v1 import idempotency_pb2 as pb

Reuse = Literal["replay-all", "retry-failed", "reject"]

EXPIRY_POLICIES: dict[str, pb.LeaseExpiryPolicy] = {
    "reacquire": pb.LEASE_EXPIRY_POLICY_REACQUIRE,
    "hold": pb.LEASE_EXPIRY_POLICY_HOLD,
}
REUSE_POLICIES: dict[str, pb.ReusePolicy] = {
    "replay-all": pb.REUSE_POLICY_REPLAY_ALL,
    "retry-failed": pb.REUSE_POLICY_RETRY_FAILED,
    "reject": pb.REUSE_POLICY_REJECT,
}
ATTEMPTS_MAX = 2**32 - 1
"""What the field can carry; the server judges."""


@dataclass(frozen=True)
class ClaimOptions:
    """See `Client.once`. Durations are judged by the server; left out, its defaults hold."""

    scope: str
    key: str
    input: Any
    lease: Seconds | None = None
    on_lease_expiry: OnLeaseExpiry = "reacquire"
    max_attempts: int = 0
    max_execution: Seconds | None = None
    result_retention: Seconds | None = None
    tombstone_retention: Seconds | None = None
    reuse: Reuse = "replay-all"
    metadata: Mapping[str, str] = field(default_factory=dict)
    external_ref: str = ""


def execute_request(runtime: Runtime, options: ClaimOptions) -> pb.ClaimRequest:
    """Raises InvalidInputError for an input without canonical JSON, FieldInvalidError for what no server would take."""
    algorithm, digest = fingerprint(options.input)
    request = common_request(runtime, options.scope, options.key, options.lease)
    request.fingerprint.algorithm = algorithm
    request.fingerprint.digest = digest
    request.intent = pb.CLAIM_INTENT_EXECUTE
    request.reuse = one_of("reuse", REUSE_POLICIES, options.reuse)
    request.external_ref = check_text("external_ref", options.external_ref, LABEL)
    request.metadata.update(check_metadata(options.metadata))
    request.policy.on_lease_expiry = one_of("on_lease_expiry", EXPIRY_POLICIES, options.on_lease_expiry)
    request.policy.max_attempts = check_attempts(options.max_attempts)
    for name in ("max_execution", "result_retention", "tombstone_retention"):
        set_duration(request.policy, name, getattr(options, name))
    return request


def reconcile_request(runtime: Runtime, scope: str, key: str, lease: Seconds | None) -> pb.ClaimRequest:
    """Without a fingerprint: a reconciler need not know the input."""
    request = common_request(runtime, scope, key, lease)
    request.intent = pb.CLAIM_INTENT_RECONCILE
    return request


def common_request(runtime: Runtime, scope: str, key: str, lease: Seconds | None) -> pb.ClaimRequest:
    check_text("key.scope", scope, SCOPE)
    check_text("key.key", key, KEY)
    name = pb.RecordKey(tenant=runtime.tenant, scope=scope, key=key)
    request = pb.ClaimRequest(key=name, claim_id=new_claim_id(), owner=runtime.owner)
    set_duration(request, "lease", lease)
    return request


def asked_lease(request: pb.ClaimRequest) -> Duration | None:
    return request.lease if request.HasField("lease") else None


def set_duration(message: Any, name: str, time: Seconds | None) -> None:
    if time is not None:
        getattr(message, name).CopyFrom(to_duration(name, time))


def check_attempts(attempts: int) -> int:
    if isinstance(attempts, bool) or not isinstance(attempts, int) or not 0 <= attempts <= ATTEMPTS_MAX:
        raise field_invalid("max_attempts", "a whole number, 0 to 1000")
    return attempts


def one_of(name: str, values: Mapping[str, Any], value: str) -> Any:
    if value not in values:
        raise field_invalid(name, " or ".join(f'"{known}"' for known in values))
    return values[value]
