from __future__ import annotations

import threading

import pytest
from fakes import FakeClock

from holdfast import CancelledError, ClosedError, TimeoutError
from holdfast._clock import Clock
from holdfast._stop import Stop


def test_keeps_the_first_reason_and_tells_those_who_follow():
    told = []
    stop = Stop(FakeClock())
    stop.follow(lambda: told.append("first"))
    stop.follow(lambda: told.append("second"))()
    first = ClosedError()
    stop.set(first)
    stop.set(ClosedError())
    stop.follow(lambda: told.append("late"))
    assert told == ["first", "late"]
    assert stop.reason is first
    with pytest.raises(ClosedError):
        stop.check()


def test_is_set_with_its_parent_until_it_is_released():
    parent = Stop(FakeClock())
    child, released = Stop(FakeClock(), parent=parent), Stop(FakeClock(), parent=parent)
    released.release()
    parent.set(ClosedError())
    assert child.reason is parent.reason
    assert not released.is_set()
    assert Stop(FakeClock(), parent=parent).is_set()


def test_is_set_with_the_event_of_the_caller():
    cancel = threading.Event()
    stop = Stop(FakeClock(), cancel=cancel)
    child = Stop(FakeClock(), parent=stop)
    stop.check()
    assert not stop.wait(1)
    assert child.slice() == 0.05
    cancel.set()
    assert child.wait()
    assert stop.wait(1)
    assert isinstance(stop.reason, CancelledError)
    assert child.reason is stop.reason


def test_is_set_when_its_time_is_over():
    clock = FakeClock()
    stop = Stop(clock, end=2, at_end=lambda: TimeoutError(2, None, "no answer yet"))
    assert not stop.wait(1.5)
    assert stop.wait(10)
    assert clock.now == 2
    with pytest.raises(TimeoutError, match="not settled within 2 s: no answer yet"):
        stop.check()


def test_wakes_whoever_waits_in_another_thread():
    stop = Stop(Clock())
    waiting = threading.Thread(target=lambda: stop.wait())
    waiting.start()
    stop.set(ClosedError())
    waiting.join(10)
    assert not waiting.is_alive()
