"""What the failure of work means, in the words of whoever wrote it."""

from __future__ import annotations

from typing import Literal

from google.rpc.status_pb2 import Status

from ._limits import ERROR_BYTES_MAX, Seconds, cut_to_bytes, to_seconds
from .v1 import idempotency_pb2 as pb

FailureKind = Literal["retryable", "terminal", "outcome-unknown", "not-started"]
OnLeaseExpiry = Literal["reacquire", "hold"]

UNKNOWN = 2
"""gRPC's code for an error that has none."""
MESSAGE_BYTES_MAX = ERROR_BYTES_MAX - 64
"""The rest is for the code and the framing of the Status."""

KINDS: dict[FailureKind, pb.FailKind] = {
    "retryable": pb.FAIL_KIND_RETRYABLE,
    "terminal": pb.FAIL_KIND_TERMINAL,
    "outcome-unknown": pb.FAIL_KIND_OUTCOME_UNKNOWN,
    "not-started": pb.FAIL_KIND_NOT_STARTED,
}


class AttemptFailure(Exception):  # noqa: N818
    """Raised by work to say what its failure means. The caller of `once` gets the cause."""

    def __init__(self, kind: FailureKind, cause: BaseException | str, *, code: int = UNKNOWN, delay: float = 0) -> None:
        super().__init__(message_of(cause))
        self.kind: FailureKind = kind
        self.cause: BaseException = Exception(cause) if isinstance(cause, str) else cause
        self.code = code
        self.delay = delay


def retryable(cause: BaseException | str, *, code: int = UNKNOWN, delay: Seconds = 0) -> AttemptFailure:
    """May be tried again, by anyone, after the delay; the attempt counts. To be raised: `raise retryable(error)`."""
    return AttemptFailure("retryable", cause, code=code, delay=to_seconds("delay", delay))


def terminal(cause: BaseException | str, *, code: int = UNKNOWN) -> AttemptFailure:
    """Never to be tried again: the error is stored and replayed."""
    return AttemptFailure("terminal", cause, code=code)


def outcome_unknown(cause: BaseException | str, *, code: int = UNKNOWN) -> AttemptFailure:
    """Nobody knows whether the work was done, as when a provider times out: somebody must reconcile."""
    return AttemptFailure("outcome-unknown", cause, code=code)


def not_started(cause: BaseException | str, *, code: int = UNKNOWN, delay: Seconds = 0) -> AttemptFailure:
    """Nothing was done, and nothing will be; the attempt does not count."""
    return AttemptFailure("not-started", cause, code=code, delay=to_seconds("delay", delay))


def classify(raised: BaseException, on_lease_expiry: OnLeaseExpiry) -> AttemptFailure:
    """
    An error without a kind says nothing about what was done: under "reacquire" the record may be run again, as after a
    crash; under "hold" nobody knows, as after a crash.
    """
    if isinstance(raised, AttemptFailure):
        return raised
    return AttemptFailure("outcome-unknown" if on_lease_expiry == "hold" else "retryable", raised)


def to_status(failure: AttemptFailure) -> Status:
    """The error as it is stored: the message is cut to what the server takes."""
    return Status(code=failure.code, message=cut_to_bytes(str(failure), MESSAGE_BYTES_MAX))


def message_of(cause: BaseException | str) -> str:
    if isinstance(cause, str):
        return cause
    name = type(cause).__name__
    text = str(cause)
    if name == "Exception":
        return text
    return f"{name}: {text}" if text else name
