"""What ends waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf

from ._clock import Clock
from ._errors import HoldfastError
from ._reasons import CancelledError

POLL = 0.05
"""An event of the caller's tells nobody that it was set, so it is looked at this often, in seconds."""


class Stop:
    """
    A threading.Event that keeps why it was set. It is set by `set()`, when its parent is, when the caller's event is,
    and when the clock has come to its end. Only the first of them counts.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        parent: Stop | None = None,
        cancel: threading.Event | None = None,
        end: float = inf,
        at_end: Callable[[], HoldfastError] | None = None,
    ) -> None:
        """`end` is of the clock; `at_end` makes the reason for which it is set then. Both or none."""
        self._clock = clock
        self._parent = parent
        self._cancel = cancel
        self._end = end
        self._at_end = at_end
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._reason: HoldfastError | None = None
        self._followers: list[Callable[[], None]] = []
        self._unfollow = parent.follow(lambda: self._set_by(parent)) if parent is not None else None

    @property
    def reason(self) -> HoldfastError | None:
        """Why it is set; None while it is not."""
        self.is_set()
        return self._reason

    def is_set(self) -> bool:
        if self._event.is_set():
            return True
        parent, at_end = self._parent, self._at_end
        if self._cancel is not None and self._cancel.is_set():
            self.set(CancelledError("cancelled by the caller", reason="CANCELLED"))
        elif parent is not None and parent.is_set():
            self._set_by(parent)
        elif at_end is not None and self._clock.monotonic() >= self._end:
            self.set(at_end())
        return self._event.is_set()

    def check(self) -> None:
        """Raises the reason, if there is one."""
        if self.reason is not None:
            raise self.reason.with_traceback(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set or the seconds are over; whether it is set."""
        end = inf if timeout is None else self._clock.monotonic() + timeout
        while not self.is_set():
            left = end - self._clock.monotonic()
            if left <= 0:
                return False
            self._clock.wait(self._event, self.slice(left))
        return True

    def slice(self, most: float = inf) -> float | None:
        """How long to wait for anything before looking again whether this is set; None is for ever."""
        left = self._longest(most)
        return None if left == inf else max(0, left)

    def _longest(self, most: float) -> float:
        parent = self._parent
        left = min(most, self._end - self._clock.monotonic(), inf if self._cancel is None else POLL)
        return left if parent is None else parent._longest(left)

    def set(self, reason: HoldfastError) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            followers, self._followers = self._followers, []
            self._event.set()
        for tell in followers:
            tell()

    def follow(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Calls back once by `set()`, and at once if that has been; returns what ends the following."""
        with self._lock:
            if self._reason is None:
                self._followers.append(tell)
                return lambda: self._forget(tell)
        tell()
        return lambda: None

    def postpone(self, end: float) -> None:
        """Its end by the clock is later."""
        self._end = end

    def release(self) -> None:
        """It follows its parent and the clock no more, and so can be forgotten before them."""
        self._parent = None
        self._at_end = None
        self._end = inf
        if self._unfollow is not None:
            self._unfollow()

    def _forget(self, tell: Callable[[], None]) -> None:
        with self._lock:
            if tell in self._followers:
                self._followers.remove(tell)

    def _set_by(self, parent: Stop) -> None:
        if parent.reason is not None:
            self.set(parent.reason)
