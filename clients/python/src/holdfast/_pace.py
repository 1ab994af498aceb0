"""How often somebody who waits asks, and how long each question may stay open."""

from __future__ import annotations

import math

from ._errors import HoldfastError
from ._retry import Answered
from ._runtime import Runtime
from .v1 import idempotency_pb2 as pb

WAIT_MAX = 30.0
"""Half of what the server allows, and what is left of a connection that has reached its age."""
ANSWER = 0.1
"""
Left of the caller's time when the server answers at the latest: so its answer comes before the caller gives up, which
would cost a cancellation and another call.
"""
NO_WAIT = 10.0
"""A server where too many wait answers claims all the same, if they do not wait; after this waiting is tried again."""
PAUSE = 0.1
"""
The first pause after an answer for which the server did not wait. It doubles up to the server's retry_after, which is
what is left of the lease: most work is much shorter than its lease.
"""
PAUSE_MIN = 0.01
"""A lease about to end has next to nothing left."""


class Pace:
    def __init__(self, runtime: Runtime, end: float) -> None:
        """`end` is when the caller gives up, by the clock; may be infinite."""
        self._clock = runtime.clock
        self._random = runtime.random
        self._end = end
        self._no_wait_until = -math.inf
        self._pauses = 0

    def wait(self) -> float:
        """How long the server may keep the next claim open: whole milliseconds, 0 for not at all."""
        now = self._clock.monotonic()
        if now < self._no_wait_until:
            return 0
        return math.floor(1000 * max(0, min(WAIT_MAX, self._end - now - ANSWER))) / 1000

    def failed(self, error: HoldfastError) -> None:
        """Told of each failed try."""
        if error.reason == "QUOTA_WAITERS":
            self._no_wait_until = self._clock.monotonic() + NO_WAIT

    def pause(self, answered: Answered[pb.ClaimResponse]) -> float:
        """How long to pause after an answer that settles nothing."""
        took = self._clock.monotonic() - answered.sent_at
        if answered.answer.HasField("retry_scheduled"):
            # A due time is known, and nothing changes before it but by an operator; the server has spread its callers
            # already. It waits by itself for one that is near enough; if it did not, it never will.
            due = to_float(answered.answer.retry_scheduled)
            is_near = due <= answered.wait - took
            return max(PAUSE_MIN, due if is_near else due - self.wait())
        # Half of it, because the two clocks may differ, and something between may allow less.
        has_waited = answered.wait > 0 and took >= answered.wait / 2
        if has_waited:
            self._pauses = 0
        if has_waited and self.wait() > 0:
            return 0
        growing = PAUSE * 2.0 ** min(self._pauses, 30)
        self._pauses += 1
        return max(PAUSE_MIN, min(to_float(answered.answer.in_progress), growing) * (0.5 + self._random() / 2))


def to_float(told: pb.RetryScheduled | pb.InProgress) -> float:
    return float(told.retry_after.ToNanoseconds() / 1e9)
