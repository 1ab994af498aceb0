"""What became of work, where that is no value to return."""

from __future__ import annotations

from typing import Any, Literal

from google.rpc.status_pb2 import Status

from ._errors import HoldfastError
from ._views import view_evidence, view_time
from .v1 import idempotency_pb2 as pb

FailReason = Literal["reported", "max-attempts", "resolved", "unspecified"]

FAIL_REASONS: dict[int, FailReason] = {
    pb.FAIL_REASON_REPORTED: "reported",
    pb.FAIL_REASON_MAX_ATTEMPTS: "max-attempts",
    pb.FAIL_REASON_RESOLVED: "resolved",
}


class FailedError(HoldfastError):
    """The work has failed for good in an earlier attempt, or its attempts are used up: a replayed error."""

    def __init__(self, failed: pb.Failed) -> None:
        fail_reason = FAIL_REASONS.get(failed.reason, "unspecified")
        why = f": {failed.error.message}" if failed.error.message else ""
        message = f"the work has failed for good ({fail_reason}, attempt {failed.attempt}){why}"
        super().__init__(message, reason="FAILED")
        self.fail_reason: FailReason = fail_reason
        self.status: Status | None = failed.error if failed.HasField("error") else None
        """As the failed attempt reported it; None when attempts ran out and none reported an error."""
        self.attempt = failed.attempt
        self.end_time = view_time(failed, "end_time")


class OutcomeUnknownError(HoldfastError):
    """Nobody knows whether the work was done. Hand the key to `reconcile`, or ask an operator."""

    def __init__(self, unknown: pb.OutcomeUnknown) -> None:
        evidence = view_evidence(unknown)
        message = f"nobody knows whether the work was done ({evidence.reason}, attempt {evidence.attempt})"
        super().__init__(message, reason="OUTCOME_UNKNOWN")
        self.evidence = evidence


class ExpiredError(HoldfastError):
    """The work was done, or failed for good, so long ago that the result is no longer kept. It is not run again."""

    def __init__(self, expired: pb.Expired) -> None:
        failed = expired.terminal_state == pb.RECORD_STATE_FAILED
        end_state: Literal["completed", "failed"] = "failed" if failed else "completed"
        super().__init__(f"the work has {end_state}, and its result is no longer kept", reason="EXPIRED")
        self.end_state = end_state
        self.end_time = view_time(expired, "end_time")
        self.tombstone_expire_time = view_time(expired, "tombstone_expire_time")


UnavailableWhy = Literal["omitted", "reference", "unreadable"]


class ResultUnavailableError(HoldfastError):
    """The work is done, but there is no value to return: see `why`."""

    def __init__(self, why: UnavailableWhy, result: pb.Result, message: str, replayed: bool, value: Any) -> None:
        super().__init__(message, reason="RESULT_UNAVAILABLE")
        self.why: UnavailableWhy = why
        """
        "omitted": never stored, too large or not to be encoded; "reference": kept elsewhere; "unreadable": not to be
        decoded.
        """
        self.result = result
        """What is stored."""
        self.replayed = replayed
        self.value = value
        """When not replayed: what the work returned."""
