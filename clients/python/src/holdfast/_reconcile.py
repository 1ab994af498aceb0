"""Finding out what became of an unknown outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from google.rpc.status_pb2 import Status

from ._attempt import tell_failure
from ._claim import ClaimTerms, claim_once
from ._ends import send_complete, send_fail
from ._errors import AnswerIncompleteError, HoldfastError, LeaseLostError
from ._failure import AttemptFailure, not_started, outcome_unknown, retryable, terminal
from ._lease import HeldLease, LeaseTerms
from ._limits import Seconds
from ._outcomes import FailedError
from ._request import asked_lease, reconcile_request
from ._result import decode_result, encode_result
from ._retry import Answered, retrying
from ._runtime import Runtime
from ._stop import Stop
from ._views import Checkpoint, Owner, view_checkpoint, view_owner
from .v1 import idempotency_pb2 as pb

VerdictKind = Literal["done", "failed", "not-started", "retry", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What became of the work."""

    kind: VerdictKind
    value: Any = None
    failure: AttemptFailure | None = None

    @staticmethod
    def done(value: Any) -> Verdict:
        """It was done, and this is what it returned."""
        return Verdict("done", value=value)

    @staticmethod
    def failed(error: BaseException | str) -> Verdict:
        """It has failed, and is never to be tried again."""
        cause = error.cause if isinstance(error, AttemptFailure) else error
        return Verdict("failed", failure=terminal(cause))

    @staticmethod
    def not_started(*, delay: Seconds = 0) -> Verdict:
        """Nothing was done. It speaks of the past and of the future: the old attempt cannot act any more."""
        return Verdict("not-started", failure=not_started("a reconciler found that nothing was done", delay=delay))

    @staticmethod
    def retry(*, delay: Seconds = 0) -> Verdict:
        """Whatever was done, it is to be tried again; the attempt counts."""
        return Verdict("retry", failure=retryable("a reconciler asks for another attempt", delay=delay))

    @staticmethod
    def unknown() -> Verdict:
        """It could not be found out."""
        return Verdict("unknown", failure=outcome_unknown("a reconciler could not find out"))


@dataclass(frozen=True)
class UnknownOutcome:
    """What the attempt left behind of which nobody knows how it went."""

    fence: int
    """
    The reconciler's own: higher than that of the attempt it looks into. Push it to the target before "not started".
    """
    attempt: int
    """The attempt that is looked into."""
    owner: Owner | None
    external_ref: str
    metadata: Mapping[str, str]
    last_checkpoint: Checkpoint | None
    previous_error: Status | None
    lost: Stop
    """Set when the lease is over, or when the attempt turned out to be alive and has ended the record itself."""
    lease_remaining: Callable[[], float]


ReconciledKind = Literal[
    "settled", "completed", "failed", "expired", "in-progress", "available", "absent", "superseded"
]


@dataclass(frozen=True)
class Reconciled:
    """What there is to say of the record."""

    kind: ReconciledKind
    """
    settled: the verdict is stored; completed, failed, expired: the record has ended, before or meanwhile by the attempt
    itself; in-progress: somebody works on it, or reconciles it; available: there is nothing to find out, it can be
    claimed; absent: there is no such record; superseded: the lease was lost before the verdict was stored, because the
    attempt or an operator has ended it: ask again.
    """
    verdict: VerdictKind | None = None
    """When settled."""
    value: Any = None
    """When completed."""
    error: FailedError | None = None
    """When failed."""
    retry_after: float | None = None
    """When in progress, in seconds."""


def reconcile(
    runtime: Runtime,
    scope: str,
    key: str,
    judge: Callable[[UnknownOutcome], Verdict],
    lease: Seconds | None,
    cancel: threading.Event | None,
) -> Reconciled:
    """See `Client.reconcile`."""
    request = reconcile_request(runtime, scope, key, lease)
    with runtime.lifetime.running():
        given_up = Stop(runtime.clock, parent=runtime.lifetime.closing, cancel=cancel)
        try:
            answered = claim_once(runtime, request, ClaimTerms(given_up))
        except HoldfastError as error:
            if error.reason == "RECORD_NOT_FOUND":
                return Reconciled("absent")
            if error.reason == "INVALID_STATE":
                return Reconciled("available")
            raise
        finally:
            given_up.release()
        if not answered.answer.HasField("acquired"):
            return observed(answered.answer)
        acquired = answered.answer.acquired
        held = HeldLease(runtime, acquired, LeaseTerms(asked_lease(request), answered.sent_at, cancel))
        try:
            verdict = judge_or_give_back(runtime, held, lambda: judge(evidence(runtime, request, held, acquired)))
            return store_verdict(runtime, held, verdict)
        finally:
            held.end()


def observed(answer: pb.ClaimResponse) -> Reconciled:
    detail = answer.WhichOneof("detail")
    if detail == "completed" and answer.completed.HasField("result"):
        return Reconciled("completed", value=decode_result(answer.completed.result, replayed=True))
    if detail == "failed":
        return Reconciled("failed", error=FailedError(answer.failed))
    if detail == "expired":
        return Reconciled("expired")
    if detail == "in_progress":
        return Reconciled("in-progress", retry_after=answer.in_progress.retry_after.ToNanoseconds() / 1e9)
    raise AnswerIncompleteError("what no reconciler can be told")


def evidence(runtime: Runtime, request: pb.ClaimRequest, held: HeldLease, acquired: pb.Acquired) -> UnknownOutcome:
    """The claim's answer does not carry the suspect's owner and external reference; the record does."""
    question = pb.GetRecordRequest(key=request.key)
    answered: Answered[pb.GetRecordResponse] = retrying(
        runtime,
        lambda timeout, _: runtime.transport.call("GetRecord", question, timeout),
        give_up_at=runtime.clock.monotonic() + held.remaining(),
        stop=held.lost,
    )
    record = answered.answer.record
    return UnknownOutcome(
        fence=held.fence,
        attempt=acquired.lease.attempt,
        owner=view_owner(record, "owner"),
        external_ref=record.external_ref,
        metadata=dict(record.metadata),
        last_checkpoint=view_checkpoint(acquired, "last_checkpoint"),
        previous_error=acquired.previous_error if acquired.HasField("previous_error") else None,
        lost=held.lost,
        lease_remaining=held.remaining,
    )


def judge_or_give_back(runtime: Runtime, held: HeldLease, judge: Callable[[], Verdict]) -> Verdict:
    """A judge who raises has found out nothing: the outcome is as unknown as before."""
    try:
        verdict = judge()
        if not isinstance(verdict, Verdict):
            raise TypeError(f"a judge returns a Verdict, such as Verdict.unknown(), and not {type(verdict).__name__}")
        return verdict
    except BaseException as raised:
        cause = raised.cause if isinstance(raised, AttemptFailure) else raised
        tell_failure(runtime, held, outcome_unknown(cause))
        raise cause from cause.__cause__


def store_verdict(runtime: Runtime, held: HeldLease, verdict: Verdict) -> Reconciled:
    try:
        if verdict.failure is None:
            send_complete(runtime, held.handle, encode_result(verdict.value)[0])
        else:
            send_fail(runtime, held.handle, verdict.failure)
    except LeaseLostError:
        return Reconciled("superseded")
    return Reconciled("settled", verdict=verdict.kind)
