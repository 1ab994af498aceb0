"""Errors as the protocol tells them."""

from __future__ import annotations

from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2 as details_pb
from google.rpc.status_pb2 import Status

import holdfast
from holdfast._wire import DOMAIN, STATUS_DETAILS, is_worth_one_more, retry_delay, to_error, to_lease_error


class NamedError(Exception):
    """Of a driver: an error whose class the protocol names, and no client."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def answered(fields: dict[str, Any]) -> holdfast.HoldfastError:
    """An answer of the vectors, as the client would get it from a server."""
    status = Status()
    if fields["reason"]:
        pack(status.details.add(), details_pb.ErrorInfo(reason=fields["reason"], domain=DOMAIN))
    if fields["retryAfterMs"] is not None:
        info = details_pb.RetryInfo()
        info.retry_delay.FromMilliseconds(fields["retryAfterMs"])
        pack(status.details.add(), info)
    violations = [details_pb.BadRequest.FieldViolation(**each) for each in fields.get("violations") or []]
    if violations:
        pack(status.details.add(), details_pb.BadRequest(field_violations=violations))
    trailers = [(STATUS_DETAILS, status.SerializeToString())]
    return to_error(fields["code"], "as a server would answer", trailers)


def pack(detail: AnyMessage, message: Any) -> None:
    detail.Pack(message)


def retry_of(fields: dict[str, Any]) -> dict[str, Any]:
    error = answered(fields)
    delay = retry_delay(error)
    again = "while-time-lasts" if delay is not None else "once" if is_worth_one_more(error) else "never"
    return {"again": again, "leastDelayMs": to_ms(delay or 0)}


def error_of(fields: dict[str, Any]) -> dict[str, Any]:
    error = answered(fields)
    return {"violations": [], **describe_error(to_lease_error(error) if fields.get("lease") else error)}


def describe_error(error: BaseException) -> dict[str, Any]:
    if isinstance(error, NamedError):
        return {"error": error.name, "reason": "", "message": str(error)}
    if not isinstance(error, holdfast.HoldfastError):
        return {"error": "Bug", "reason": "", "message": repr(error)}
    told: dict[str, Any] = {
        "error": type(error).__name__.removesuffix("Error"),
        "reason": error.reason,
        "message": str(error),
        "retryAfterMs": None if error.retry_after is None else to_ms(error.retry_after),
    }
    if error.code is not None:
        told["code"] = error.code
    if error.violations:
        told["violations"] = [violation._asdict() for violation in error.violations]
    return {**told, **more(error)}


def more(error: holdfast.HoldfastError) -> dict[str, Any]:
    if isinstance(error, holdfast.FailedError):
        return {"why": error.fail_reason, "attempt": error.attempt}
    if isinstance(error, holdfast.OutcomeUnknownError):
        return {"why": error.evidence.reason, "attempt": error.evidence.attempt}
    if isinstance(error, (holdfast.LeaseLostError, holdfast.ResultUnavailableError)):
        return {"why": error.why}
    return {"state": error.end_state} if isinstance(error, holdfast.ExpiredError) else {}


def to_ms(seconds: float) -> int:
    return round(seconds * 1000)
