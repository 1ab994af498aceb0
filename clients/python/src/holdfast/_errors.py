"""What goes wrong between the caller and the record. What the caller's own work raises is never wrapped."""

from __future__ import annotations

import builtins
from typing import Any, Literal, NamedTuple

INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4


class Violation(NamedTuple):
    """A field that was refused, and what is allowed in it."""

    field: str
    description: str


class HoldfastError(Exception):
    """The class that all others are of. There is one more for each reason of the service: QuotaBytesError."""

    reason: str
    """A name of holdfast.v1.ErrorReason, or one of the client's own; empty when a proxy answered."""
    code: int | None
    """gRPC's number; None when no call failed."""
    retry_after: float | None
    """Seconds. Set if and only if the same call can help later."""
    violations: tuple[Violation, ...]

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        code: int | None = None,
        retry_after: float | None = None,
        violations: tuple[Violation, ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.retry_after = retry_after
        self.violations = violations


class TransportError(HoldfastError):
    """No server of Holdfast has answered: none could be reached, or something between answered in its place."""


class AnswerIncompleteError(HoldfastError):
    """The server answered what this client does not know: one of the two is much older than the other."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the server answered {what}", reason="ANSWER_INCOMPLETE")


class ClosedError(HoldfastError):
    """The client was closed before the call was over."""

    def __init__(self) -> None:
        super().__init__("the client is closed", reason="CLOSED")


class AttemptEndedError(HoldfastError):
    """Something was asked of an attempt that is over, or that was never this process's."""

    def __init__(self, message: str = "the attempt has ended") -> None:
        super().__init__(message, reason="ATTEMPT_ENDED")


class NotCompletedError(HoldfastError):
    """The block of `attempt()` came to its end without `complete()`: the attempt counts as one that has failed."""

    def __init__(self) -> None:
        message = "the block ended without attempt.complete(value); call it with None if there is no result"
        super().__init__(message, reason="NOT_COMPLETED")


class InvalidInputError(HoldfastError, ValueError):
    """The input has no canonical JSON, so that no fingerprint tells it from another."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="INVALID_INPUT")


LeaseLostWhy = Literal["expired", "superseded", "invalid-state", "record-not-found", "token-invalid"]


class LeaseLostError(HoldfastError):
    """
    The lease is over or taken. As the reason of `attempt.lost`: stop, somebody else may be working. Raised by `once`:
    the work ran, and its result was not stored, because a newer attempt or a verdict had come first.
    """

    def __init__(
        self, why: LeaseLostWhy, message: str, *, reason: str = "LEASE_EXPIRED", code: int | None = None
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.why: LeaseLostWhy = why
        """All but "expired" are the server's word."""


class CompleteFailedError(HoldfastError):
    """
    The work is done, and whether its result is stored is not known: the server could not be reached, or refused for a
    reason of its own. The record stays in progress until the lease is over, or is completed already.
    """

    def __init__(self, value: Any, cause: HoldfastError) -> None:
        message = f"the work is done, but not known to be stored: {cause}"
        super().__init__(message, reason=cause.reason, code=cause.code, retry_after=cause.retry_after)
        self.value = value
        """What the work returned."""


class TimeoutError(HoldfastError, builtins.TimeoutError):  # noqa: A001
    """The caller's `timeout` is over before the claim was answered, or before what was waited for has ended."""

    def __init__(
        self, timeout: float, last_outcome: Literal["in-progress", "retry-scheduled"] | None, last: str
    ) -> None:
        super().__init__(f"not settled within {timeout:g} s: {last}", reason="TIMEOUT", code=DEADLINE_EXCEEDED)
        self.last_outcome = last_outcome
        """What the newest answer to a claim said; None when the server never answered, and of `wait_for`."""


class TokenUnavailableError(HoldfastError):
    """The function that fetches tokens has failed, or gave something else than a token."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, reason="TOKEN_UNAVAILABLE", code=code)
