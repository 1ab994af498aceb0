"""What a claim has acquired whose caller has gone."""

from __future__ import annotations

from dataclasses import dataclass

from ._ends import send_fail
from ._errors import HoldfastError, LeaseLostError
from ._failure import not_started, outcome_unknown
from ._retry import retrying
from ._runtime import Runtime, Warning
from ._transport import Call
from ._wire import is_worth_repeating, may_have_taken_effect, retry_delay
from .v1 import idempotency_pb2 as pb


@dataclass
class Flight:
    """A claim that is under way."""

    request: pb.ClaimRequest
    held: pb.Acquired | None
    """What it had acquired before."""
    call: Call | None = None
    """The newest try."""
    waits: bool = False
    lost: HoldfastError | None = None
    """The error of the newest try that may have acquired although its answer was lost."""

    def hang_up(self) -> None:
        """A try that the server may keep open is cancelled; one that is answered soon is left alone."""
        if self.call is not None and self.waits:
            self.call.cancel()


def give_back(runtime: Runtime, flight: Flight) -> None:
    """Ends the lease that a given-up claim has acquired, heard of or not. Warns when that may not have come about."""
    try:
        acquired = learn_fate(runtime, flight)
    except HoldfastError as error:
        warn(runtime, flight.request, error)
        return
    if acquired is not None:
        end_lease(runtime, flight.request, acquired)


def end_lease(runtime: Runtime, request: pb.ClaimRequest, acquired: pb.Acquired) -> None:
    """Ends a lease under which nothing was done. Warns when that may not have come about; never raises."""
    why = "the caller gave up before the claim was answered"
    # From a reconciler, "not started" would be a verdict on somebody else's attempt.
    failure = outcome_unknown(why) if request.intent == pb.CLAIM_INTENT_RECONCILE else not_started(why)
    try:
        send_fail(runtime, acquired.lease.handle, failure)
    except LeaseLostError:
        # What is not held any more need not be given back.
        pass
    except HoldfastError as error:
        warn(runtime, request, error)


def warn(runtime: Runtime, request: pb.ClaimRequest, error: HoldfastError) -> None:
    runtime.warn(Warning("give-back-failed", request.key.scope, request.key.key, error))


def learn_fate(runtime: Runtime, flight: Flight) -> pb.Acquired | None:
    """None when the server has said that the claim does not hold the lease."""
    if flight.call is not None:
        try:
            return acquired_by(flight.call.answer())
        except HoldfastError as error:
            if may_have_taken_effect(error):
                flight.lost = error
    if flight.held is not None:
        return flight.held
    return None if flight.lost is None else ask_again(runtime, flight, flight.lost)


def ask_again(runtime: Runtime, flight: Flight, lost: HoldfastError) -> pb.Acquired | None:
    """
    The same claim_id reattaches to the lease if it was acquired. If it was not, this acquires it for a moment: the
    server has no call that asks without claiming.

    It goes the way of the call in question first: what is said over one connection arrives in its order, and so this is
    not ahead of the cancellation. For one try's time and no longer, because close() and the end of the process wait for
    it.

    Raises the last error, when the fate is as unknown as before.
    """
    never, policy = runtime.lifetime.never, runtime.retry
    give_up_at = runtime.clock.monotonic() + policy.try_timeout
    delay = retry_delay(lost) or 0
    if delay >= policy.try_timeout:
        raise lost
    never.wait(delay)
    address = None if flight.call is None else flight.call.address

    def send(timeout: float, _: float) -> Call:
        nonlocal address
        wanted, address = address, None
        return runtime.transport.call("Claim", flight.request, timeout, wanted)

    try:
        return acquired_by(retrying(runtime, send, give_up_at=give_up_at, stop=never).answer)
    except HoldfastError as error:
        if is_worth_repeating(error):
            raise
        # Refused for good: the holder would have been reattached.
        return None


def acquired_by(answer: pb.ClaimResponse) -> pb.Acquired | None:
    return answer.acquired if answer.HasField("acquired") else None
