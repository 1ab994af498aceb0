from __future__ import annotations

import threading

import pytest

import holdfast


def in_threads(*runs):
    """What each of them returned or raised; fails when one does not come to its end."""
    outcomes = [None] * len(runs)

    def follow(index, run):
        try:
            outcomes[index] = run()
        except Exception as error:
            outcomes[index] = error

    threads = [threading.Thread(target=follow, args=pair, daemon=True) for pair in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [thread.is_alive() for thread in threads] == [False] * len(threads)
    return outcomes


def test_stores_the_end_of_work_that_closes_the_client(connect, key):
    hf = connect()

    def work(attempt):
        hf.close()
        return "done"

    assert hf.once("charge", key, input=1, work=work).value == "done"
    with pytest.raises(holdfast.ClosedError):
        hf.once("charge", key, input=1, work=work)
    assert connect().result("charge", key) == "done"


def test_does_not_wait_for_ever_when_two_works_close_the_client_at_once(connect, key):
    hf = connect()
    both_run, both_closed = threading.Barrier(2), threading.Barrier(2)

    def work(attempt):
        both_run.wait(20)
        hf.close()
        both_closed.wait(20)
        return attempt.number

    def run(name):
        return lambda: hf.once("charge", f"{key}-{name}", input=1, work=work).value

    assert in_threads(run("a"), run("b")) == [1, 1]


def test_waits_from_outside_for_the_end_of_work_that_has_closed_it_itself(connect, key):
    hf = connect()
    has_closed, go_on = threading.Event(), threading.Event()

    def work(attempt):
        hf.close()
        has_closed.set()
        go_on.wait(20)
        return "done"

    def close():
        has_closed.wait(20)
        threading.Timer(0.05, go_on.set).start()
        hf.close()
        return connect().once("charge", key, input=1, work=None).value

    first, stored = in_threads(lambda: hf.once("charge", key, input=1, work=work), close)
    assert (first.value, stored) == ("done", "done")
