from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import holdfast

HOLDER = """
import sys, threading, holdfast
address, key, policy = sys.argv[1:]
with holdfast.connect(address) as hf, hf.attempt("charge", key, input=1, lease=1, on_lease_expiry=policy) as attempt:
    attempt.set_external_ref("pi_3")
    attempt.checkpoint({"page": 3})
    print(attempt.fence, flush=True)
    threading.Event().wait()
"""


def die(address, key, policy="reacquire"):
    """A process that claims, and is killed over it; its fence."""
    command = [sys.executable, "-c", HOLDER, address, key, policy]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        fence = int(process.stdout.readline())
        process.kill()
    return fence


def test_takes_over_from_a_process_that_was_killed(hf, address, key):
    fence = die(address, key)
    once = hf.once("charge", key, input=1, work=lambda a: [a.number, a.reason, a.fence > fence, a.last_checkpoint.data])
    assert once.value == [2, "takeover", True, {"page": 3}]


def test_reconciles_what_a_killed_process_left_unknown_under_hold(hf, address, key):
    fence = die(address, key, "hold")
    with pytest.raises(holdfast.OutcomeUnknownError) as caught:
        hf.once("charge", key, input=1, work=lambda _: pytest.fail("run twice"), on_lease_expiry="hold")
    assert (caught.value.evidence.reason, caught.value.evidence.external_ref) == ("lease-expired", "pi_3")

    def judge(unknown):
        assert (unknown.external_ref, unknown.last_checkpoint.data, unknown.attempt) == ("pi_3", {"page": 3}, 1)
        assert unknown.fence > fence
        assert unknown.lease_remaining() > 0
        return holdfast.Verdict.done({"charge": "ch_1"})

    found = hf.reconcile("charge", key, judge=judge)
    assert (found.kind, found.verdict) == ("settled", "done")
    assert hf.once("charge", key, input=1, work=None, on_lease_expiry="hold").value == {"charge": "ch_1"}


def unknown(hf, key):
    with pytest.raises(ValueError, match="timed out"), hf.attempt("charge", key, input=1, on_lease_expiry="hold"):
        raise ValueError("timed out")


@pytest.mark.parametrize(("verdict", "attempt"), [(holdfast.Verdict.not_started(), 1), (holdfast.Verdict.retry(), 2)])
def test_lets_the_work_run_again_when_a_judge_says_so(hf, key, verdict, attempt):
    unknown(hf, key)
    assert hf.reconcile("charge", key, judge=lambda _: verdict).kind == "settled"
    assert hf.once("charge", key, input=1, work=lambda a: a.number, on_lease_expiry="hold").value == attempt


def test_leaves_the_outcome_unknown_when_the_judge_cannot_tell(hf, key):
    unknown(hf, key)
    with pytest.raises(ZeroDivisionError):
        hf.reconcile("charge", key, judge=lambda _: 1 / 0)
    with pytest.raises(TypeError, match="a judge returns a Verdict"):
        hf.reconcile("charge", key, judge=lambda _: None)
    assert hf.reconcile("charge", key, judge=lambda _: holdfast.Verdict.unknown()).verdict == "unknown"
    assert hf.reconcile("charge", key, judge=lambda _: holdfast.Verdict.failed("refunded")).verdict == "failed"
    found = hf.reconcile("charge", key, judge=None)
    assert found.kind == "failed"
    assert "refunded" in str(found.error)


def test_says_what_there_is_to_say_of_a_record_that_is_not_unknown(hf, key):
    assert hf.reconcile("charge", key, judge=None).kind == "absent"
    with hf.attempt("charge", key, input=1) as attempt:
        found = hf.reconcile("charge", key, judge=None)
        assert found.kind == "in-progress"
        assert found.retry_after > 0
        attempt.complete(1)
    found = hf.reconcile("charge", key, judge=None)
    assert (found.kind, found.value) == ("completed", 1)


def test_holds_a_record_by_heartbeats_for_longer_than_its_lease(hf, key):
    with hf.attempt("charge", key, input=1, lease=1) as attempt:
        with pytest.raises(TimeoutError):
            hf.once("charge", key, input=1, work=None, timeout=2.5)
        attempt.check()
        assert attempt.lease_remaining() > 0
        attempt.complete("mine")
    assert hf.once("charge", key, input=1, work=None).attempt == 1


def test_tells_the_work_that_its_lease_is_over_when_no_server_can_be_reached(connect, proxy, key):
    warnings = []
    hf = connect(proxy.address, on_warning=warnings.append, retry=holdfast.RetryPolicy(try_timeout=1))
    with hf.attempt("charge", key, input=1, lease=1) as attempt:
        proxy.hold()
        assert attempt.lost.wait(30)
        assert attempt.lost.reason.why == "expired"
        with pytest.raises(holdfast.LeaseLostError, match="the lease is over"):
            attempt.check()
        proxy.cut()
        proxy.release()
        # Nobody has taken over, and the work was done.
        assert attempt.complete("late") == "late"


def test_is_not_taken_for_the_newer_attempt_when_it_comes_too_late(connect, proxy, key):
    warnings = []
    late = connect(proxy.address, on_warning=warnings.append, retry=holdfast.RetryPolicy(try_timeout=1))
    with pytest.raises(holdfast.LeaseLostError) as caught, late.attempt("charge", key, input=1, lease=1) as attempt:
        proxy.hold()
        assert connect().once("charge", key, input=1, work=lambda a: a.number).value == 2
        proxy.cut()
        proxy.release()
        attempt.complete("late")
    assert caught.value.why == "superseded"
    assert connect().result("charge", key) == 2


def test_does_not_end_an_attempt_that_another_thread_still_uses_before_it_is_over(hf, key):
    with hf.attempt("charge", key, input=1) as attempt:
        threads = [threading.Thread(target=attempt.checkpoint, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        attempt.complete(1)
    with pytest.raises(holdfast.AttemptEndedError):
        attempt.checkpoint(9)


def test_tells_the_work_that_its_lease_is_over_also_when_the_heartbeats_are_stuck(connect, key):
    stuck = threading.Event()
    asked = []

    def fetch():
        asked.append(1)
        if len(asked) > 1:
            stuck.wait(60)
        return "token"

    hf = connect(token=fetch)
    with hf.attempt("charge", key, input=1, lease=1) as attempt:
        assert not attempt.lost.is_set()
        assert attempt.lost.wait(30)
        assert attempt.lost.reason.why == "expired"
        assert attempt.lease_remaining() == 0
        with pytest.raises(holdfast.LeaseLostError, match="the lease is over"):
            attempt.checkpoint(1)
        stuck.set()
        attempt.complete("late")


def test_goes_on_with_the_heartbeats_when_what_is_told_of_warnings_raises(connect, key):
    tokens = iter(["token", "no token"])
    warned = threading.Event()

    def broken(warning):
        assert warning.kind == "heartbeat-failed"
        warned.set()
        raise RuntimeError("no room for warnings")

    hf = connect(token=lambda: next(tokens, "token"), on_warning=broken)
    with hf.attempt("charge", key, input=1, lease=1) as attempt:
        assert warned.wait(30)
        assert not attempt.lost.wait(1.5)
        assert attempt.lease_remaining() > 0
        attempt.complete(1)


def test_is_not_lost_after_it_has_ended(hf, key):
    with hf.attempt("charge", key, input=1, lease=1) as attempt:
        attempt.complete(1)
    assert not attempt.lost.wait(1.5)
