"""A lease that is held by heartbeats."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from ._errors import AnswerIncompleteError, AttemptEndedError, HoldfastError, LeaseLostError
from ._retry import retrying
from ._runtime import Runtime, Warning
from ._stop import Stop
from ._wire import to_lease_error
from .v1 import idempotency_pb2 as pb

PROGRESS_INTERVAL = 1.0
"""No more than one heartbeat a second for the sake of progress alone."""
HEARTBEAT_INTERVAL = 10.0
"""The server recommends a third of the lease; this is for a server that recommends nothing."""


@dataclass(frozen=True)
class LeaseTerms:
    lease: Duration | None
    """What each heartbeat asks for; None is the server's default."""
    sent_at: float
    """When the claim was sent that was answered with the lease."""
    cancel: threading.Event | None
    """Told to the work. The lease is held all the same: the work may still be running."""


class HeldLease:
    """
    A thread sends a heartbeat each recommended interval, and repeats it within the lease when it is lost, until the
    lease is ended or lost.

    The lease runs out at send time + waited + remaining on the monotonic clock. The call had been sent before the
    server began to count, so this is never later than the server's own end of the lease, whatever the network and the
    wall clocks do.
    """

    def __init__(self, runtime: Runtime, acquired: pb.Acquired, terms: LeaseTerms) -> None:
        lease = acquired.lease
        if not lease.HasField("handle"):
            raise AnswerIncompleteError("ACQUIRED without a lease")
        self.handle = lease.handle
        self.fence: int = lease.fence
        self._runtime = runtime
        self._terms = terms
        self._interval = to_float(lease.heartbeat_interval) or HEARTBEAT_INTERVAL
        self._lock = threading.Lock()
        self._lease_end = lease_end(lease, terms.sent_at)
        self._last_beat = terms.sent_at
        self._next_beat = terms.sent_at + self._interval
        self._progress: pb.Progress | None = None
        self._wake = threading.Event()
        self._ended = Stop(runtime.clock)
        self.lost = Stop(
            runtime.clock,
            parent=runtime.lifetime.closing,
            cancel=terms.cancel,
            end=self._lease_end,
            at_end=self._expire,
        )
        """
        Set once: with a LeaseLostError, or with the reason of the caller who gave up. The clock alone sets it too, for
        the heartbeats may be stuck in what a caller has given, such as a function that fetches tokens.
        """
        self._ended.follow(self._wake.set)
        threading.Thread(target=self._run, name="holdfast-heartbeat", daemon=True).start()

    def remaining(self) -> float:
        with self._lock:
            return max(0, self._lease_end - self._runtime.clock.monotonic())

    def extend(self, *, checkpoint: pb.Checkpoint | None = None, external_ref: str = "") -> None:
        """A heartbeat at once; what it carries is durable when this returns."""
        self._ended.check()
        if self._is_over():
            self._lose(self._expire())
            self._ended.check()
        try:
            self._beat(checkpoint, external_ref)
        except HoldfastError as error:
            self._ended.check()
            known = to_lease_error(error)
            if isinstance(known, LeaseLostError):
                self._lose(known)
            raise known from error.__cause__

    def note(self, progress: pb.Progress) -> None:
        """Goes with the next heartbeat, which comes within about a second."""
        with self._lock:
            self._progress = progress
            soon = max(self._runtime.clock.monotonic(), self._last_beat + PROGRESS_INTERVAL)
            self._next_beat = min(self._next_beat, soon)
        self._wake.set()

    def end(self) -> None:
        """The attempt is over: no heartbeat from here on."""
        self._ended.set(AttemptEndedError())
        self.lost.release()

    def _run(self) -> None:
        clock = self._runtime.clock
        while True:
            self._wake.clear()
            if self._ended.is_set():
                return
            now = clock.monotonic()
            with self._lock:
                lease_end, next_beat = self._lease_end, self._next_beat
            if now >= lease_end:
                self._lose(self._expire())
            elif now >= next_beat:
                self._beat_by_itself()
            else:
                clock.wait(self._wake, min(next_beat, lease_end) - now)

    def _beat(self, checkpoint: pb.Checkpoint | None, external_ref: str) -> None:
        runtime = self._runtime
        with self._lock:
            self._last_beat = runtime.clock.monotonic()
            give_up_at = self._lease_end
            carried, self._progress = self._progress, None
        request = pb.HeartbeatRequest(
            handle=self.handle,
            lease=self._terms.lease,
            checkpoint=checkpoint,
            progress=carried,
            external_ref=external_ref,
        )
        try:
            answered = retrying(
                runtime,
                lambda timeout, _: runtime.transport.call("Heartbeat", request, timeout),
                give_up_at=give_up_at,
                stop=self._ended,
                # A try that hangs for a whole interval leaves room for another one.
                try_timeout=min(self._interval, runtime.retry.try_timeout),
            )
        except HoldfastError:
            with self._lock:
                self._progress = self._progress or carried
            raise
        with self._lock:
            # Both ends are lower bounds, so the later one holds: a heartbeat never shortens a lease.
            self._lease_end = max(self._lease_end, lease_end(answered.answer.lease, answered.sent_at))
            self.lost.postpone(self._lease_end)
            # What was noted while this one was under way does not wait for a whole interval.
            is_noted = self._progress is not None
            self._next_beat = answered.sent_at + (
                min(PROGRESS_INTERVAL, self._interval) if is_noted else self._interval
            )
        self._wake.set()

    def _beat_by_itself(self) -> None:
        try:
            self.extend()
        except HoldfastError as error:
            if self._ended.is_set():
                return
            with self._lock:
                self._next_beat = self._runtime.clock.monotonic() + self._interval
            key = self.handle.key
            self._runtime.warn(Warning("heartbeat-failed", key.scope, key.key, error))

    def _is_over(self) -> bool:
        with self._lock:
            return self._runtime.clock.monotonic() >= self._lease_end

    def _expire(self) -> LeaseLostError:
        error = LeaseLostError("expired", "the lease is over")
        self._ended.set(error)
        return error

    def _lose(self, error: LeaseLostError) -> None:
        self._ended.set(error)
        self.lost.set(error)


def lease_end(lease: pb.Lease, sent_at: float) -> float:
    return sent_at + to_float(lease.waited) + to_float(lease.remaining)


def to_float(duration: Duration) -> float:
    return float(duration.ToNanoseconds() / 1e9)
