"""What every part of the client works with."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ._clock import Clock
from ._errors import ClosedError, HoldfastError
from ._retry import RetryPolicy
from ._stop import Stop
from ._transport import Transport
from .v1 import idempotency_pb2 as pb


@dataclass(frozen=True)
class Warning:  # noqa: A001
    """Something that went wrong beside the caller's call, and so can be raised to nobody."""

    kind: Literal["heartbeat-failed", "fail-not-stored", "give-back-failed", "policy-differs"]
    """
    heartbeat-failed: the lease is not extended for now; fail-not-stored: the attempt's error is not recorded, and the
    record waits for the lease to run out; give-back-failed: the same for a claim whose caller had gone; policy-differs:
    the record's first claim fixed another policy than this one asked for.
    """
    scope: str
    key: str
    error: HoldfastError | None = None


def log_warning(warning: Warning) -> None:
    """Without the key: keys may be personal, and this ends in a log."""
    why = "" if warning.error is None else f": {warning.error}"
    logging.getLogger("holdfast").warning("%s (scope %s)%s", warning.kind, warning.scope, why)


def guarded(on_warning: Callable[[Warning], None]) -> Callable[[Warning], None]:
    """
    What it raises goes to the log. It is called where nobody could catch it: in the thread that holds a lease, and
    between a claim and its work.
    """

    def warn(warning: Warning) -> None:
        try:
            on_warning(warning)
        except Exception:
            logging.getLogger("holdfast").exception("on_warning raised, told of %s", warning.kind)

    return warn


class Lifetime:
    """Lets close() end what is waiting, and wait for what is ending."""

    def __init__(self, clock: Clock) -> None:
        self.closing = Stop(clock)
        """Set when the client is closed."""
        self.never = Stop(clock)
        """Ends of attempts are sent to the last, whoever has gone meanwhile."""
        self._open: list[int] = []
        self._closers: set[int] = set()
        """Those with something open that have asked for the end themselves."""
        self._disconnect: Callable[[], None] = lambda: None
        self._changed = threading.Condition()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Has close() wait for the block. Refused once closing."""
        self.closing.check()
        thread = threading.get_ident()
        self._enter(thread)
        try:
            yield
        finally:
            self._leave(thread)

    def keep(self, task: Callable[[], None]) -> None:
        """The same, in a thread of its own, for what nobody else waits for; also while closing. Must not raise."""
        nobody = 0
        self._enter(nobody)

        def run() -> None:
            try:
                task()
            finally:
                self._leave(nobody)

        # Not a daemon: a lease that nobody works under is worth a moment at the end of the process.
        threading.Thread(target=run, name="holdfast-give-back").start()

    def close(self, disconnect: Callable[[], None]) -> None:
        """
        Waits for what is open, and then disconnects. A thread that has something open itself waits neither for that nor
        for another that does the same: each would wait for the other, for ever. Then the last of them disconnects.
        """
        caller = threading.get_ident()
        with self._changed:
            self._disconnect = disconnect
            excepted: set[int] = set()
            if caller in self._open:
                excepted = self._closers
                excepted.add(caller)
                self._changed.notify_all()
        self.closing.set(ClosedError())
        with self._changed:
            self._changed.wait_for(lambda: excepted.issuperset(self._open))
            is_last = not self._open
        if is_last:
            disconnect()

    def _enter(self, thread: int) -> None:
        with self._changed:
            self._open.append(thread)

    def _leave(self, thread: int) -> None:
        with self._changed:
            self._open.remove(thread)
            self._changed.notify_all()
            is_last = self.closing.is_set() and not self._open
        if is_last:
            self._disconnect()


@dataclass(frozen=True)
class Runtime:
    transport: Transport
    tenant: str
    owner: pb.Owner
    retry: RetryPolicy
    clock: Clock
    random: Callable[[], float]
    """In [0, 1)."""
    warn: Callable[[Warning], None]
    lifetime: Lifetime
