"""What the answer of a failed call says, and whether the same call can help later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as details_pb
from google.rpc.status_pb2 import Status

from ._errors import HoldfastError, LeaseLostError, LeaseLostWhy, TransportError, Violation
from ._reasons import REASONS

DOMAIN = "holdfast.v1"
STATUS_DETAILS = "grpc-status-details-bin"

CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE = 1, 2, 4, 8, 10, 13, 14
NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}

LEASE_LOST: dict[str, LeaseLostWhy] = {
    "LEASE_SUPERSEDED": "superseded",
    "LEASE_TOKEN_INVALID": "token-invalid",
    "INVALID_STATE": "invalid-state",
    "RECORD_NOT_FOUND": "record-not-found",
}


def to_error(code: int, message: str, trailers: Iterable[tuple[str, str | bytes]] = ()) -> HoldfastError:
    """
    A failed call as the error that its reason names: `TransportError` without one, `HoldfastError` of an unknown one.
    """
    reason, retry_after, violations = "", None, []
    for detail in read_details(trailers):
        if isinstance(detail, details_pb.ErrorInfo) and detail.domain == DOMAIN:
            reason = detail.reason
        elif isinstance(detail, details_pb.RetryInfo):
            retry_after = detail.retry_delay.ToTimedelta().total_seconds()
        elif isinstance(detail, details_pb.BadRequest):
            violations += [Violation(each.field, each.description) for each in detail.field_violations]
    make = REASONS.get(reason, HoldfastError) if reason else TransportError
    text = f"{reason or NAMES.get(code, 'UNKNOWN')}: {message}"
    return make(text, reason=reason, code=code, retry_after=retry_after, violations=tuple(violations))


def to_lease_error(error: HoldfastError) -> HoldfastError:
    """For a call that was made with a lease: what says that the lease is lost becomes a LeaseLostError."""
    why = LEASE_LOST.get(error.reason)
    return error if why is None else LeaseLostError(why, str(error), reason=error.reason, code=error.code)


def retry_delay(error: HoldfastError) -> float | None:
    """After which time, at least, the same call can help; None when it cannot."""
    if error.retry_after is not None:
        return error.retry_after
    # Every method may be repeated, so whether the lost call took effect does not matter. A call that this client gives
    # up is not asked about here: one that is cancelled all the same was cancelled by something between.
    if error.code in (UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED):
        return 0
    # So some libraries call a connection that was reset; Holdfast gives a reason when it aborts.
    return 0 if error.code == ABORTED and error.reason == "" else None


def is_worth_one_more(error: HoldfastError) -> bool:
    """A bug of the server, or of something between: worth one more call, and no third."""
    return error.code in (INTERNAL, UNKNOWN)


def is_worth_repeating(error: HoldfastError) -> bool:
    """Whether more calls of the kind can be answered otherwise; if not, this is the server's last word."""
    return retry_delay(error) is not None or is_worth_one_more(error)


def may_have_taken_effect(error: HoldfastError) -> bool:
    """Whether the server may have done what was asked, without the client hearing of it."""
    # What is out of resources has refused before doing anything, and is not asked again for a caller who has gone.
    return is_worth_repeating(error) and error.code != RESOURCE_EXHAUSTED


KINDS: dict[str, Any] = {
    kind.DESCRIPTOR.full_name: kind for kind in (details_pb.ErrorInfo, details_pb.RetryInfo, details_pb.BadRequest)
}


def read_details(trailers: Iterable[tuple[str, str | bytes]]) -> list[Any]:
    """A proxy may put anything there; details that cannot be read are as good as none."""
    data = next((value for name, value in trailers if name == STATUS_DETAILS), b"")
    try:
        details = Status.FromString(data if isinstance(data, bytes) else b"").details
        known = [(KINDS.get(detail.TypeName()), detail.value) for detail in details]
        return [kind.FromString(value) for kind, value in known if kind is not None]
    except DecodeError:
        return []
