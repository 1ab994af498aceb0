"""The client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from . import _wait
from ._attempt import Attempt, AttemptReason, attempting
from ._events import AnyEvent, Target
from ._failure import OnLeaseExpiry
from ._limits import Seconds, to_timeout
from ._reconcile import Reconciled, UnknownOutcome, Verdict, reconcile
from ._request import ClaimOptions, Reuse
from ._runtime import Runtime
from ._work import check_work, run_work

T = TypeVar("T")


@dataclass(frozen=True)
class Once(Generic[T]):
    value: T
    """
    What the work returned, as it is stored: whoever ran it gets the same as whoever gets the replay, so a tuple is a
    list for both. A fresh object each time.
    """
    replayed: bool
    """The work was done by somebody else, or before."""
    attempt: int
    """The attempt that did it."""
    reason: AttemptReason | None
    """Why this process did the work; None when replayed."""


class Client:
    """Made by `connect`. May be used from many threads; a process that forks makes its own after the fork."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def once(
        self,
        scope: str,
        key: str,
        *,
        input: Any,  # noqa: A002
        work: Callable[[Attempt], T],
        lease: Seconds | None = None,
        on_lease_expiry: OnLeaseExpiry = "reacquire",
        max_attempts: int = 0,
        max_execution: Seconds | None = None,
        result_retention: Seconds | None = None,
        tombstone_retention: Seconds | None = None,
        reuse: Reuse = "replay-all",
        metadata: Mapping[str, str] | None = None,
        external_ref: str = "",
        timeout: Seconds | None = None,
        cancel: threading.Event | None = None,
    ) -> Once[T]:
        """
        Does a piece of work once: runs it if nobody has, waits for whoever is at it, or returns what it returned
        before. When the holder dies, or gives up, one of those who wait does the work.

        `scope` is what kind of work ("charge"), `key` which piece of it, `input` what it is done from: JSON or bytes.
        The same key with another input is FingerprintMismatchError.

        What the work raises is raised, and told to the server: see `retryable`, `terminal`, `outcome_unknown`,
        `not_started`. An error without such a word counts as retryable, or with `on_lease_expiry="hold"` as an unknown
        outcome, just as a crash at that point would. The work is not run again by itself: whoever calls next does that.

        At most one attempt holds the record at a time, and one result is stored, whatever crashes. A side effect
        outside happens once only if its target checks `attempt.fence`, or with "hold" and a reconciler.

        - `lease`: 1 s to 1 h, default 30 s: how long a crashed holder keeps the record. Extended while the work runs.
        - `on_lease_expiry`: "reacquire", the next claim takes over; "hold", the outcome is unknown until it is
          reconciled.
        - `max_attempts`: up to 1000; 0 is no limit. `max_execution`: no heartbeat extends an attempt past it.
        - `result_retention`, default 24 h: how long the result is replayed; `tombstone_retention`, default 24 h: how
          long after that a second run is still refused.
        - `reuse`: "retry-failed" claims a failed record again, "reject" takes any record for RecordExistsError.
        - `timeout`: how long to wait for somebody else's work; never cuts one's own. `cancel`: gives up waiting, or
          sets `attempt.lost`; the work's end is still told to the server.

        Raises InvalidInputError, FingerprintMismatchError, FailedError, OutcomeUnknownError, ExpiredError,
        TimeoutError, CancelledError, LeaseLostError, ResultConflictError, CompleteFailedError, ResultUnavailableError,
        or another HoldfastError; and TypeError for work that is async or a generator, which would have to be awaited
        or iterated to be done.
        """
        check_work(work)
        options = ClaimOptions(
            scope=scope,
            key=key,
            input=input,
            lease=lease,
            on_lease_expiry=on_lease_expiry,
            max_attempts=max_attempts,
            max_execution=max_execution,
            result_retention=result_retention,
            tombstone_retention=tombstone_retention,
            reuse=reuse,
            metadata=metadata or {},
            external_ref=external_ref,
        )
        with attempting(self._runtime, options, to_timeout(timeout), cancel) as attempt:
            if not attempt.replayed:
                attempt.complete(run_work(work, attempt, on_lease_expiry))
        return Once(attempt.value, attempt.replayed, attempt.number, attempt.reason)

    def attempt(
        self,
        scope: str,
        key: str,
        *,
        input: Any,  # noqa: A002
        lease: Seconds | None = None,
        on_lease_expiry: OnLeaseExpiry = "reacquire",
        max_attempts: int = 0,
        max_execution: Seconds | None = None,
        result_retention: Seconds | None = None,
        tombstone_retention: Seconds | None = None,
        reuse: Reuse = "replay-all",
        metadata: Mapping[str, str] | None = None,
        external_ref: str = "",
        timeout: Seconds | None = None,
        cancel: threading.Event | None = None,
    ) -> AbstractContextManager[Attempt]:
        """
        `once` as a block, with the same parameters and errors: entering it claims, and waits as `once` does; then
        either `attempt.replayed` is true and `attempt.value` is there, or the block does the work and calls
        `attempt.complete`. What leaves the block as an exception is told to the server; so is NotCompletedError, for a
        block that forgets.

            with hf.attempt("charge", order["id"], input=order) as attempt:
                if not attempt.replayed:
                    attempt.complete(charge(order))
        """
        options = ClaimOptions(
            scope=scope,
            key=key,
            input=input,
            lease=lease,
            on_lease_expiry=on_lease_expiry,
            max_attempts=max_attempts,
            max_execution=max_execution,
            result_retention=result_retention,
            tombstone_retention=tombstone_retention,
            reuse=reuse,
            metadata=metadata or {},
            external_ref=external_ref,
        )
        return attempting(self._runtime, options, to_timeout(timeout), cancel)

    def wait_for(
        self,
        targets: Iterable[Target | tuple[str, str]],
        *,
        mode: _wait.WaitMode = "all",
        include_result: bool = True,
        must_exist: bool = False,
        timeout: Seconds | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[AnyEvent]:
        """
        Observes 1 to 100 records, pairs of scope and key or `Target`s, until they have ended, and never does their
        work. For each of them, first the record as it is, then what changes, then its end, which is an event also if it
        is a failure. A record that is not there yet is waited for, unless `must_exist`. An unknown outcome is told, and
        is not the end.

        The stream is renewed by itself over lost connections, servers that go, and time: what was told before is not
        told again. Changes that follow each other faster than they are read are told as the newest of them. Nothing is
        sent before the first event is asked for; leaving the loop cancels what is left.

        Raises InvalidInputError or FieldInvalidError at once; from the iterator TimeoutError, CancelledError,
        ClosedError, FingerprintMismatchError, RecordNotFoundError with `must_exist`, or what kept the server from
        answering for the retry policy's total time.
        """
        return _wait.wait_for(
            self._runtime,
            targets,
            mode=mode,
            include_result=include_result,
            must_exist=must_exist,
            timeout=timeout,
            cancel=cancel,
        )

    def result(
        self,
        scope: str,
        key: str,
        *,
        must_exist: bool = False,
        timeout: Seconds | None = None,
        cancel: threading.Event | None = None,
    ) -> Any:
        """
        Waits until a record has ended, as `wait_for` does, and returns its result as a replay would. Raises
        FailedError, ExpiredError, ResultUnavailableError, and what `wait_for` raises.
        """
        events = self.wait_for([(scope, key)], must_exist=must_exist, timeout=timeout, cancel=cancel)
        return _wait.result_of(self._runtime, events)

    def reconcile(
        self,
        scope: str,
        key: str,
        *,
        judge: Callable[[UnknownOutcome], Verdict],
        lease: Seconds | None = None,
        cancel: threading.Event | None = None,
    ) -> Reconciled:
        """
        Finds out what became of a record whose outcome is unknown. The judge is called if the outcome is unknown still
        and nobody else reconciles it, and returns a Verdict; what there is to say otherwise is what this returns.
        `lease`: when it runs out, the outcome is unknown again. What the judge raises is raised.
        """
        return reconcile(self._runtime, scope, key, judge, lease, cancel)

    def close(self) -> None:
        """
        Ends waiting calls, sets `lost` of running attempts, waits for their ends to be stored, disconnects. Called by
        work itself, it does not wait for that very work, and the connections are kept until its end is stored.
        """
        self._runtime.lifetime.close(self._runtime.transport.close)

    def __enter__(self) -> Client:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
