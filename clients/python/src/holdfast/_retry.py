"""How calls are repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._errors import HoldfastError
from ._stop import Stop
from ._wire import is_worth_one_more, retry_delay

if TYPE_CHECKING:
    from ._clock import Clock
    from ._runtime import Runtime
    from ._transport import Call

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How calls are repeated. All times are seconds."""

    try_timeout: float = 10
    """One try, beyond what the server was asked to wait: when it is over, the answer counts as lost."""
    total_timeout: float = 60
    """All tries of one call together, such waits not counted: then the last error is raised."""
    base_delay: float = 0.05
    """The first delay is a random part of this; the next ones of twice as much each."""
    max_delay: float = 5


@dataclass(frozen=True)
class Answered(Generic[T]):
    """An answer, and when the call that brought it was sent: what a lease is counted from."""

    answer: T
    sent_at: float
    wait: float = 0
    """How long the server was asked to keep that call open for a better answer."""


def retrying(
    runtime: Runtime,
    send: Callable[[float, float], Call],
    *,
    give_up_at: float,
    stop: Stop,
    try_timeout: float | None = None,
    wait: Callable[[], float] = lambda: 0,
    on_error: Callable[[HoldfastError], None] = lambda _: None,
    abandon: Callable[[Call], None] = lambda call: call.cancel(),
) -> Answered[Any]:
    """
    Repeats a call with the same request until it is answered: every method is idempotent, so a lost answer and a lost
    request are treated alike. Full jitter on top of what the server asks for in RetryInfo.

    `send` begins a call with a timeout, of which the server may wait the second number. No try begins and no delay ends
    after `give_up_at`, later by what the tries have waited. `wait` is asked before each try. What is under way when the
    stop is set is abandoned.

    Raises the last error, or the stop's reason.
    """
    clock, policy = runtime.clock, runtime.retry
    one_more, renewed, tries = True, False, 0
    while True:
        stop.check()
        sent_at = clock.monotonic()
        waits = wait()
        timeout = min(policy.try_timeout if try_timeout is None else try_timeout, give_up_at - sent_at) + waits
        call = None
        try:
            call = send(max(0.001, timeout), waits)
            is_done = wait_done(clock, call, stop)
        except HoldfastError as error:
            failure = error
        except BaseException:
            if call is not None:
                abandon(call)
            raise
        else:
            if not is_done:
                abandon(call)
                stop.check()
            try:
                return Answered(call.answer(), sent_at, waits)
            except HoldfastError as error:
                failure = error
        on_error(failure)
        stop.check()
        give_up_at += min(waits, clock.monotonic() - sent_at)
        if call is not None and not renewed and runtime.transport.is_renewed(call, failure):
            renewed = True
            continue
        delay = retry_delay(failure)
        if delay is None and one_more and is_worth_one_more(failure):
            delay = 0
        if delay is None:
            raise failure
        one_more = one_more and not is_worth_one_more(failure)
        delay += full_jitter(runtime, tries)
        if clock.monotonic() + delay >= give_up_at:
            raise failure
        stop.wait(delay)
        tries += 1


def full_jitter(runtime: Runtime, tries: int) -> float:
    policy = runtime.retry
    return runtime.random() * min(policy.max_delay, policy.base_delay * 2.0 ** min(tries, 30))


class BackOff:
    """
    When to ask for a stream again that has ended too early: as `retrying` pauses between tries, but a stream that has
    lived for a while leaves no reason to pause for long.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._begun_at = runtime.clock.monotonic()
        self._failing_since: float | None = None
        self._tries = 0
        self._one_more = True
        self.last_error: HoldfastError | None = None
        """None when the last stream has said something."""

    def begun(self) -> None:
        """A stream is asked for."""
        self._begun_at = self._runtime.clock.monotonic()

    def heard(self) -> None:
        """A message has come."""
        self._failing_since = None
        self.last_error = None
        self._one_more = True

    def pause(self, error: HoldfastError | None) -> float:
        """
        How long to pause before the next stream; `error` ended the last one, None when the server said that it would
        end.

        Raises the error, when asking again cannot help, or has not for the policy's total time.
        """
        policy = self._runtime.retry
        now = self._runtime.clock.monotonic()
        self.last_error = error
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._begun_at >= policy.max_delay:
            self._tries = 0
        growing = full_jitter(self._runtime, self._tries)
        self._tries += 1
        if error is None:
            return growing
        delay = self._asked(error) + growing
        if now + delay >= since + policy.total_timeout:
            raise error
        return delay

    def _asked(self, error: HoldfastError) -> float:
        delay = retry_delay(error)
        if delay is not None:
            return delay
        if not self._one_more or not is_worth_one_more(error):
            raise error
        self._one_more = False
        return 0


def wait_done(clock: Clock, call: Call, stop: Stop) -> bool:
    """Whether the call was over before the stop was set."""
    wake = threading.Event()
    call.follow(wake.set)
    unfollow = stop.follow(wake.set)
    try:
        while not call.done():
            if stop.is_set():
                return False
            clock.wait(wake, stop.slice())
        return True
    finally:
        unfollow()
