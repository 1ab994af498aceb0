from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import holdfast


class Held:
    """Work in a thread of its own that ends when it is told to."""

    def __init__(self, hf, key, **options):
        self._begun, self._end = threading.Event(), threading.Event()
        self.attempt = None
        self._pool = ThreadPoolExecutor(1)
        self._done = self._pool.submit(hf.once, "charge", key, input=1, work=self._work, **options)
        assert self._begun.wait(30)

    def _work(self, attempt):
        self.attempt = attempt
        self._begun.set()
        assert self._end.wait(30)
        return "done"

    def finish(self):
        self._end.set()
        return self._done.result(30)


def never(attempt):
    raise AssertionError("this work is not to be run")


def test_those_who_wait_get_the_result(connect, key):
    held = Held(connect(), key)
    other = connect()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(other.once, "charge", key, input=1, work=never) for _ in range(3)]
        told = pool.submit(other.result, "charge", key)
        assert held.finish().replayed is False
        assert [call.result(30).replayed for call in waiting] == [True] * 3
        assert told.result(30) == "done"


def test_eight_threads_run_the_work_once(hf, key):
    runs = []
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(hf.once, "charge", key, input=1, work=lambda a: runs.append(a.fence)) for _ in range(8)]
        assert [call.result(30).value for call in calls] == [None] * 8
    assert len(runs) == 1


def test_gives_up_waiting_after_its_time_and_leaves_the_work_alone(hf, key):
    held = Held(hf, key)
    with pytest.raises(holdfast.TimeoutError, match="last told in-progress") as caught:
        hf.once("charge", key, input=1, work=never, timeout=0.3)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.last_outcome == "in-progress"
    with pytest.raises(TimeoutError, match="1 of 1 records have not ended"):
        hf.result("charge", key, timeout=0.3)
    assert held.finish().value == "done"


def test_gives_the_lease_back_when_it_is_cancelled_while_it_waits(hf, key):
    cancel = threading.Event()
    with ThreadPoolExecutor(1) as pool, hf.attempt("charge", key, input=1) as attempt:
        waiting = pool.submit(hf.once, "charge", key, input=1, work=never, cancel=cancel)
        cancel.set()
        with pytest.raises(holdfast.CancelledError):
            waiting.result(30)
        attempt.complete("done")
    assert hf.result("charge", key) == "done"


def test_tells_the_work_that_the_caller_has_given_up_and_stores_its_end(hf, key):
    cancel = threading.Event()

    def work(attempt):
        assert not attempt.lost.is_set()
        attempt.check()
        cancel.set()
        assert attempt.lost.wait(10)
        assert isinstance(attempt.lost.reason, holdfast.CancelledError)
        attempt.check()

    with pytest.raises(holdfast.CancelledError):
        hf.once("charge", key, input=1, work=work, cancel=cancel)
    assert hf.once("charge", key, input=1, work=lambda a: a.number).value == 2


def test_close_tells_the_work_and_ends_those_who_wait(connect, key):
    hf = connect()
    held = Held(hf, key)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(hf.result, "charge", key)
        closing = pool.submit(hf.close)
        with pytest.raises(holdfast.ClosedError):
            waiting.result(30)
        assert held.attempt.lost.wait(10)
        assert not closing.done()
        assert held.finish().value == "done"
        closing.result(30)
    assert connect().result("charge", key) == "done"


def test_tells_what_happens_to_a_record_until_it_ends(hf, key):
    events = hf.wait_for([("charge", key), holdfast.Target("charge", f"{key}-2", input=1)])
    assert [next(events).record, next(events).record] == [None, None]
    with hf.attempt("charge", key, input=1) as attempt:
        assert next(events).kind == "lease-changed"
        attempt.checkpoint({"page": 1})
        told = next(events)
        assert (told.kind, told.index, told.checkpoint.data) == ("checkpoint", 0, {"page": 1})
        attempt.progress(0.5, "half")
        told = next(events)
        assert (told.kind, told.progress) == ("progress", (0.5, "half"))
        attempt.complete({"charge": 1})
    ended = next(events)
    assert (ended.kind, ended.end, ended.result()) == ("ended", "completed", {"charge": 1})
    with pytest.raises(ValueError, match="declined"):
        hf.once("charge", f"{key}-2", input=1, work=lambda _: raise_(holdfast.terminal(ValueError("declined"))))
    *_, ended = events
    assert (ended.index, ended.end) == (1, "failed")
    with pytest.raises(holdfast.FailedError, match="declined"):
        ended.result()


def raise_(error):
    raise error


def test_waits_for_any_of_many(hf, key):
    events = hf.wait_for([("charge", key), ("charge", f"{key}-2")], mode="any")
    next(events)
    hf.once("charge", f"{key}-2", input=1, work=lambda _: 2)
    assert [event.value for event in events if event.kind == "ended"] == [2]


def test_refuses_targets_that_no_server_would_take(hf, key):
    for targets, says in [
        ([], "1 to 100 targets, not 0"),
        ([("s", "k")] * 101, "not 101"),
        (("s", "k"), "pair of scope and key"),
        ([("", "k")], r"key\.scope must be"),
        ([holdfast.Target("s", "k", input=1, fingerprint=holdfast.fingerprint(1))], "not both"),
    ]:
        with pytest.raises(holdfast.HoldfastError, match=says):
            hf.wait_for(targets)
    with pytest.raises(holdfast.RecordNotFoundError):
        hf.result("charge", key, must_exist=True)
    hf.once("charge", key, input=1, work=lambda _: 1)
    with pytest.raises(holdfast.FingerprintMismatchError):
        list(hf.wait_for([holdfast.Target("charge", key, input=2)]))
