"""One logical claim: the same claim_id over all its tries, another one when what the first acquired was given back."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ._errors import HoldfastError, TimeoutError
from ._give_back import Flight, end_lease, give_back
from ._pace import Pace
from ._retry import Answered, retrying
from ._runtime import Runtime
from ._stop import Stop
from ._transport import Call
from ._wire import may_have_taken_effect
from .v1 import idempotency_pb2 as pb

ClaimAnswer = Answered[pb.ClaimResponse]

NEW_CLAIM_IDS_MAX = 5
"""
A claim_id that never worked and is told CLAIM_ENDED means a claim that was given back, by the server or by one of its
own that came late; once is rare.
"""


@dataclass(frozen=True)
class ClaimTerms:
    stop: Stop
    """The caller gives up."""
    on_error: Callable[[HoldfastError], None] = lambda _: None
    """Told of each failed try."""
    wait: Callable[[], float] = lambda: 0
    """Asked before each try: how long the server may keep it open."""
    held: pb.Acquired | None = None
    """The lease that this claim_id holds already, as far as is known."""


def new_claim_id() -> str:
    return str(uuid.uuid4())


def claim_until_settled(runtime: Runtime, request: pb.ClaimRequest, timeout: float, stop: Stop) -> ClaimAnswer:
    """
    Claims, and waits while somebody else works or a retry is scheduled: the server keeps the claim open until there is
    something better to say, and the same claim is sent again when it has waited in vain.

    Raises TimeoutError, the stop's reason, or the HoldfastError of the claim.
    """
    end = runtime.clock.monotonic() + timeout
    pace = Pace(runtime, end)
    last: Literal["in-progress", "retry-scheduled"] | None = None
    last_error: HoldfastError | None = None

    def on_error(error: HoldfastError) -> None:
        nonlocal last_error
        last_error = error
        pace.failed(error)

    def timed_out() -> TimeoutError:
        late = TimeoutError(timeout, last, f"last told {last}" if last else "no answer yet")
        late.__cause__ = last_error
        return late

    limit = Stop(runtime.clock, parent=stop, end=end, at_end=timed_out if timeout < math.inf else None)
    try:
        while True:
            answered = claim_and_confirm(runtime, request, ClaimTerms(limit, on_error, pace.wait))
            detail = answered.answer.WhichOneof("detail")
            if detail not in ("in_progress", "retry_scheduled"):
                return answered
            last = "in-progress" if detail == "in_progress" else "retry-scheduled"
            last_error = None
            limit.wait(pace.pause(answered))
    finally:
        limit.release()


def claim_and_confirm(runtime: Runtime, request: pb.ClaimRequest, terms: ClaimTerms) -> ClaimAnswer:
    ids = 0
    while True:
        ids += 1
        answered = claim_unless_ended(runtime, request, terms, is_last=ids >= NEW_CLAIM_IDS_MAX)
        held = None if answered is None else promoted_lease(answered)
        known = answered if held is None else confirm(runtime, request, held, terms)
        if known is not None and (held is None or known.answer.HasField("acquired")):
            return known
        # This claim_id has had its attempt, and whatever came of it is over.
        request.claim_id = new_claim_id()
        if known is not None:
            return known


def claim_unless_ended(
    runtime: Runtime, request: pb.ClaimRequest, terms: ClaimTerms, *, is_last: bool
) -> ClaimAnswer | None:
    """None when the claim's attempt has ended before it was heard of."""
    try:
        return claim_once(runtime, request, terms)
    except HoldfastError as error:
        if error.reason != "CLAIM_ENDED" or is_last:
            raise
        return None


def promoted_lease(answered: ClaimAnswer) -> pb.Acquired | None:
    """The lease of a claim that has waited for it; None when there is nothing to confirm."""
    acquired = answered.answer.acquired
    return acquired if acquired.lease.waited.ToNanoseconds() > 0 else None


def confirm(runtime: Runtime, request: pb.ClaimRequest, held: pb.Acquired, terms: ClaimTerms) -> ClaimAnswer | None:
    """
    Sends the claim once more before the work begins. The server gives the lease of a promoted claim back when the
    connection breaks as it is answered, and cannot know whether the answer got through all the same. This answer
    decides: reattaching moves the end of the lease, and the server's guarded give-back misses it from here on.

    What it returns is the new lease with the first answer's story, or what became of the record since; None when the
    lease was given back and nobody has claimed since. Raises HoldfastError, or the stop's reason; the lease is given
    back then.
    """
    try:
        confirmed = claim_once(runtime, request, replace(terms, held=held, wait=lambda: 0))
    except HoldfastError as error:
        if error.reason == "CLAIM_ENDED":
            return None
        if not terms.stop.is_set():
            runtime.lifetime.keep(lambda: end_lease(runtime, request, held))
        raise
    if confirmed.answer.acquired.reason == pb.ACQUIRE_REASON_REATTACHED:
        merged = pb.Acquired()
        merged.CopyFrom(held)
        merged.lease.CopyFrom(confirmed.answer.acquired.lease)
        confirmed.answer.acquired.CopyFrom(merged)
    return confirmed


def claim_once(runtime: Runtime, request: pb.ClaimRequest, terms: ClaimTerms) -> ClaimAnswer:
    """
    One claim_id, until it is answered. A caller who gives up while a claim is under way may have become the holder
    without hearing of it, and under HOLD nobody could go on. So whatever it acquires, heard of or not, is given back:

    - A try without a wait is answered soon, so it is left alone, and its answer says what there is to give back.
    - A try with a wait is cancelled, so that the server takes the waiter out; nobody may hang for a wait that nobody
      wants. The lease of a claim that is promoted after that is given back by the server. What was acquired before
      that, at once or by a promotion whose answer crossed the cancellation, nobody but the record knows: the claim is
      sent once more, behind the cancellation, without a wait.

    Raises what `retrying` raises.
    """
    # Copied: its claim_id may be replaced while a given-up call is still being looked into.
    flight = Flight(request=copy_of(request), held=terms.held)

    def send(timeout: float, wait: float) -> Call:
        asked = flight.request
        if wait > 0:
            asked = copy_of(request)
            asked.wait.FromMilliseconds(round(wait * 1000))
        flight.waits = wait > 0
        flight.call = runtime.transport.call("Claim", asked, timeout)
        return flight.call

    def note(error: HoldfastError) -> None:
        if may_have_taken_effect(error):
            flight.lost = error
        terms.on_error(error)

    give_up_at = runtime.clock.monotonic() + runtime.retry.total_timeout
    try:
        return retrying(
            runtime,
            send,
            give_up_at=give_up_at,
            stop=terms.stop,
            wait=terms.wait,
            on_error=note,
            abandon=lambda _: None,
        )
    except BaseException as error:
        # Anything else than the claim's own error: the caller has gone, by the stop or by a signal of the process.
        if terms.stop.is_set() or not isinstance(error, HoldfastError):
            flight.hang_up()
            runtime.lifetime.keep(lambda: give_back(runtime, flight))
            terms.stop.check()
        raise


def copy_of(request: pb.ClaimRequest) -> pb.ClaimRequest:
    copy = pb.ClaimRequest()
    copy.CopyFrom(request)
    return copy
