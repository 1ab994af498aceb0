"""One run of the work, under a lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from google.rpc.status_pb2 import Status

from ._claim import claim_until_settled
from ._content import encode_content
from ._ends import send_complete, send_fail
from ._errors import (
    INVALID_ARGUMENT,
    AnswerIncompleteError,
    AttemptEndedError,
    CompleteFailedError,
    HoldfastError,
    InvalidInputError,
    LeaseLostError,
    NotCompletedError,
)
from ._failure import AttemptFailure, OnLeaseExpiry, classify
from ._keys import KeyFormat, provider_key
from ._lease import HeldLease, LeaseTerms
from ._limits import CHECKPOINT_BYTES_MAX, LABEL, check_text, cut_to_bytes, field_invalid
from ._outcomes import ExpiredError, FailedError, OutcomeUnknownError
from ._reasons import CheckpointTooLargeError, ResultConflictError
from ._request import ClaimOptions, asked_lease, execute_request
from ._result import decode_result, encode_result, omitted_result
from ._runtime import Runtime, Warning
from ._stop import Stop
from ._views import Checkpoint, view_checkpoint
from ._work import check_done
from .v1 import idempotency_pb2 as pb

AttemptReason = Literal["new", "reattached", "takeover", "retry", "unspecified"]
"""Why this process may do the work."""

REASONS: dict[int, AttemptReason] = {
    pb.ACQUIRE_REASON_NEW: "new",
    pb.ACQUIRE_REASON_REATTACHED: "reattached",
    pb.ACQUIRE_REASON_TAKEOVER: "takeover",
    pb.ACQUIRE_REASON_RETRY: "retry",
}


class Attempt:
    """
    The work of this process, or, when `replayed`, that of somebody else, which is done. Its methods may be called from
    any thread, until the work is over; then, and of a replayed one, they raise AttemptEndedError.
    """

    def __init__(self, runtime: Runtime, claimed: pb.ClaimResponse, lease: HeldLease | None) -> None:
        self.replayed = lease is None
        """The work was done by somebody else, or before: `value` is what it returned."""
        acquired, completed = claimed.acquired, claimed.completed
        self.number: int = completed.attempt if lease is None else acquired.lease.attempt
        """From 1: the attempt that does the work, or did it."""
        self.reason: AttemptReason | None = None if lease is None else REASONS.get(acquired.reason, "unspecified")
        """None when replayed."""
        self.last_checkpoint: Checkpoint | None = view_checkpoint(acquired, "last_checkpoint")
        """What an earlier attempt left behind."""
        self.previous_error: Status | None = acquired.previous_error if acquired.HasField("previous_error") else None
        """What an earlier attempt reported."""
        self.value: Any = decode_result(completed.result, replayed=True) if lease is None else None
        """What the work returned, as it is stored: the same for whoever ran it as for whoever gets the replay."""
        self.done = lease is None
        """There is a value."""
        self._runtime = runtime
        self._lease = lease
        self._sequence = 0 if self.last_checkpoint is None else self.last_checkpoint.sequence
        self._lock = threading.Lock()
        self._is_ending = False

    @property
    def fence(self) -> int:
        """Strictly rising per record. Hand it to whatever the work changes: what checks it refuses an older attempt."""
        return self._held().fence

    @property
    def lost(self) -> Stop:
        """
        As a threading.Event: set when the lease is over or superseded, or the caller has given up. Then stop the work;
        its `reason` is the error that says why.
        """
        return self._held().lost

    def check(self) -> None:
        """Raises LeaseLostError, CancelledError or ClosedError when the work is to stop."""
        self._held().lost.check()

    def lease_remaining(self) -> float:
        """In seconds, by this process's monotonic clock."""
        return self._held().remaining()

    def checkpoint(self, data: Any, *, name: str = "") -> None:
        """Durable when it returns. JSON or bytes, up to 64 KiB; extends the lease too."""
        lease = self._held()
        check_text("checkpoint.name", name, LABEL)
        encoded, content_type = encode_checkpoint(data)
        with self._lock:
            self._sequence += 1
            sequence = self._sequence
        checkpoint = pb.Checkpoint(name=name, sequence=sequence, data=encoded, content_type=content_type)
        lease.extend(checkpoint=checkpoint)

    def progress(self, fraction: float, message: str = "") -> None:
        """Shown to waiters; goes with the next heartbeat."""
        if not 0 <= fraction <= 1:
            raise field_invalid("progress.fraction", "0 to 1")
        self._held().note(pb.Progress(fraction=fraction, message=cut_to_bytes(message, LABEL[1])))

    def set_external_ref(self, ref: str) -> None:
        """What identifies the work to the outside world, such as a payment id. Durable when it returns."""
        self._held().extend(external_ref=check_text("external_ref", ref, LABEL))

    def key_for(self, provider: str, key_format: KeyFormat = "text") -> str:
        """
        What to give a provider that keeps idempotency keys of its own: the same in every attempt, another for each
        provider.
        "text" is 43 characters of base64url; "uuid" is for those that take nothing else.
        """
        key = self._held().handle.key
        return provider_key((key.tenant, key.scope, key.key), provider, key_format)

    def complete(self, value: Any) -> Any:
        """
        Stores what the work returned, and ends the attempt. Returns it as it is stored: a tuple comes back as a list.

        Raises LeaseLostError, ResultConflictError, CompleteFailedError or ResultUnavailableError; and TypeError for an
        awaitable or a generator, which leaves the attempt open.
        """
        lease = self._held()
        if self._is_ending:
            raise AttemptEndedError
        check_done(value)
        self._is_ending = True
        result, cause = encode_result(value)
        try:
            stored = self._store(lease, value, result)
        finally:
            lease.end()
        self.value = decode_result(stored, replayed=False, value=value, cause=cause)
        self.done = True
        return self.value

    def _store(self, lease: HeldLease, value: Any, result: pb.Result) -> pb.Result:
        """What was stored, which is the reason for its absence when the server's limit is lower than the client's."""
        try:
            send_complete(self._runtime, lease.handle, result)
        except (LeaseLostError, ResultConflictError):
            raise
        except HoldfastError as error:
            if error.reason == "RESULT_TOO_LARGE" and result.HasField("inline"):
                return self._store(lease, value, omitted_result("the result is over the server's limit"))
            raise CompleteFailedError(value, error) from error
        return result

    def _held(self) -> HeldLease:
        if self._lease is None:
            raise AttemptEndedError("the work is done, and was not this process's: see attempt.replayed")
        return self._lease

    def _fail(self, raised: BaseException, options: ClaimOptions) -> None:
        """Tells the server what was raised, unless the attempt has been ended already."""
        if self._is_ending or self._lease is None:
            return
        self._is_ending = True
        tell_failure(self._runtime, self._lease, classify(raised, options.on_lease_expiry))


@contextmanager
def attempting(
    runtime: Runtime, options: ClaimOptions, timeout: float, cancel: threading.Event | None
) -> Iterator[Attempt]:
    """See `Client.attempt`."""
    request = execute_request(runtime, options)
    with runtime.lifetime.running():
        given_up = Stop(runtime.clock, parent=runtime.lifetime.closing, cancel=cancel)
        try:
            answered = claim_until_settled(runtime, request, timeout, given_up)
        finally:
            given_up.release()
        claimed = answered.answer
        if claimed.policy_differs:
            runtime.warn(Warning("policy-differs", options.scope, options.key))
        if not claimed.HasField("acquired"):
            yield replayed(runtime, claimed)
            return
        lease = HeldLease(runtime, claimed.acquired, LeaseTerms(asked_lease(request), answered.sent_at, cancel))
        attempt = Attempt(runtime, claimed, lease)
        try:
            yield attempt
            if not attempt._is_ending:
                raise NotCompletedError
        except BaseException as raised:
            attempt._fail(raised, options)
            if isinstance(raised, AttemptFailure):
                raise raised.cause from raised.cause.__cause__
            raise
        finally:
            lease.end()


def replayed(runtime: Runtime, claimed: pb.ClaimResponse) -> Attempt:
    detail = claimed.WhichOneof("detail")
    if detail == "completed" and claimed.completed.HasField("result"):
        return Attempt(runtime, claimed, None)
    if detail == "failed":
        raise FailedError(claimed.failed)
    if detail == "outcome_unknown":
        raise OutcomeUnknownError(claimed.outcome_unknown)
    if detail == "expired":
        raise ExpiredError(claimed.expired)
    raise AnswerIncompleteError("a claim without an outcome that this client knows")


def tell_failure(runtime: Runtime, lease: HeldLease, failure: AttemptFailure) -> None:
    try:
        send_fail(runtime, lease.handle, failure)
    except LeaseLostError:
        # Another attempt's record by now: what this one raised matters to its caller alone.
        pass
    except HoldfastError as error:
        key = lease.handle.key
        runtime.warn(Warning("fail-not-stored", key.scope, key.key, error))


def encode_checkpoint(data: Any) -> tuple[bytes, str]:
    try:
        encoded, content_type = encode_content(data)
    except Exception as error:
        raise InvalidInputError(f"the checkpoint is neither JSON nor bytes: {error}") from error
    if len(encoded) > CHECKPOINT_BYTES_MAX:
        message = f"the checkpoint has {len(encoded)} bytes, and {CHECKPOINT_BYTES_MAX} is the limit"
        raise CheckpointTooLargeError(message, reason="CHECKPOINT_TOO_LARGE", code=INVALID_ARGUMENT)
    return encoded, content_type


__all__ = ["Attempt", "AttemptReason", "OnLeaseExpiry", "attempting"]
