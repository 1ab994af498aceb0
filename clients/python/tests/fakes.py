"""Time that passes only when somebody waits, and calls that are answered at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from holdfast._clock import Clock
from holdfast._errors import HoldfastError
from holdfast._retry import RetryPolicy
from holdfast._runtime import Lifetime, Runtime
from holdfast._wire import to_error
from holdfast.v1 import idempotency_pb2 as pb


class FakeClock(Clock):
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        if not event.is_set():
            assert timeout is not None, "this would wait for ever"
            self.now += timeout
        return event.is_set()


class FakeCall:
    """One that has been answered."""

    address = "a:1"
    token = None

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.is_cancelled = False

    def follow(self, tell: Callable[[], object]) -> None:
        tell()

    def done(self) -> bool:
        return True

    def cancel(self) -> None:
        self.is_cancelled = True

    def answer(self) -> Any:
        if isinstance(self._answer, HoldfastError):
            raise self._answer
        return self._answer


class OpenCall(FakeCall):
    """One that is never answered."""

    def follow(self, tell: Callable[[], object]) -> None:
        pass

    def done(self) -> bool:
        return False


def fake_runtime(*, random: float = 0.5, retry: RetryPolicy | None = None) -> Runtime:
    clock = FakeClock()
    transport: Any = SimpleNamespace(is_renewed=lambda _, __: False)
    return Runtime(
        transport, "", pb.Owner(), retry or RetryPolicy(), clock, lambda: random, lambda _: None, Lifetime(clock)
    )


def wire_error(code: int, retry_after: float | None = None) -> HoldfastError:
    error = to_error(code, "as a server would answer")
    error.retry_after = retry_after
    return error
