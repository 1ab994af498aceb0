from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from fakes import FakeCall, OpenCall, fake_runtime, wire_error

from holdfast import CancelledError, CredentialsInvalidError, RetryPolicy, TransportError
from holdfast._clock import Clock
from holdfast._credentials import Credential
from holdfast._retry import BackOff, retrying
from holdfast._stop import Stop
from holdfast._transport import Transport

UNAVAILABLE, INTERNAL, INVALID, EXHAUSTED = 14, 13, 3, 8


def play(runtime, answers, *, give_up_at=60.0, stop=None, **options):
    """What came of the answers, and when each try was sent with which timeout."""
    sent = []
    calls = iter(answers)

    def send(timeout, wait):
        sent.append((round(runtime.clock.now, 6), round(timeout, 6), wait))
        return next(calls)

    stop = stop or Stop(runtime.clock)
    try:
        return retrying(runtime, send, give_up_at=give_up_at, stop=stop, **options).answer, sent
    except TransportError as error:
        return error, sent


def failing(code, retry_after=None):
    return FakeCall(wire_error(code, retry_after))


def test_repeats_a_call_with_a_growing_random_pause_until_it_is_answered():
    answer, sent = play(fake_runtime(random=1), [failing(UNAVAILABLE)] * 3 + [FakeCall("answer")])
    assert answer == "answer"
    assert [at for at, _, _ in sent] == [0, 0.05, 0.15, 0.35]


def test_pauses_no_longer_than_the_policy_says():
    policy = RetryPolicy(base_delay=1, max_delay=2)
    _, sent = play(fake_runtime(random=1, retry=policy), [failing(UNAVAILABLE)] * 4 + [FakeCall(1)])
    assert [at for at, _, _ in sent] == [0, 1, 3, 5, 7]


def test_waits_at_least_as_long_as_the_server_asks_for():
    answer, sent = play(fake_runtime(random=0), [failing(EXHAUSTED, 3), FakeCall(1)])
    assert answer == 1
    assert [at for at, _, _ in sent] == [0, 3]


def test_calls_once_more_after_a_bug_of_the_server_and_no_third_time():
    answer, sent = play(fake_runtime(), [failing(INTERNAL), failing(INTERNAL)])
    assert answer.code == INTERNAL
    assert len(sent) == 2


def test_sends_a_call_once_more_at_once_with_another_token_when_the_first_was_refused():
    tokens = iter(["second", "third"])
    transport = Transport(["localhost:1"], Credential(None, lambda: next(tokens)), None, Clock())
    refused = CredentialsInvalidError("refused", reason="CREDENTIALS_INVALID", code=16)
    runtime = replace(fake_runtime(), transport=transport)
    first, second = FakeCall(refused), FakeCall("answer")
    first.token = "first"
    assert play(runtime, [first, second]) == ("answer", [(0, 10, 0), (0, 10, 0)])
    fixed = Transport(["localhost:1"], Credential(None, "first"), None, Clock())
    assert not fixed.is_renewed(first, refused)


def test_does_not_repeat_what_cannot_help():
    answer, sent = play(fake_runtime(), [failing(INVALID)])
    assert answer.code == INVALID
    assert len(sent) == 1


def test_gives_up_with_the_last_error_when_its_time_is_over():
    policy = RetryPolicy(base_delay=1, max_delay=1)
    answer, sent = play(fake_runtime(random=1, retry=policy), [failing(UNAVAILABLE)] * 9, give_up_at=2.5)
    assert answer.code == UNAVAILABLE
    assert [timeout for _, timeout, _ in sent] == [2.5, 1.5, 0.5]


def test_lets_a_try_take_what_the_server_may_wait_beyond_its_own_time():
    _, sent = play(fake_runtime(), [FakeCall(1)], wait=lambda: 30)
    assert sent == [(0, 40, 30)]


@pytest.mark.parametrize("abandoned", [[], None])
def test_ends_with_the_stop_and_cancels_what_is_under_way_unless_told_otherwise(abandoned):
    runtime = fake_runtime()
    cancel = threading.Event()
    cancel.set()
    call = OpenCall(None)
    stop = Stop(runtime.clock)

    def send(timeout, wait):
        stop.set(CancelledError("cancelled", reason="CANCELLED"))
        return call

    options = {} if abandoned is None else {"abandon": abandoned.append}
    with pytest.raises(CancelledError):
        retrying(runtime, send, give_up_at=60, stop=stop, **options)
    assert call.is_cancelled == (abandoned is None)
    assert abandoned in (None, [call])


def test_sends_nothing_when_the_stop_is_set_already():
    runtime = fake_runtime()
    stop = Stop(runtime.clock)
    stop.set(CancelledError("cancelled", reason="CANCELLED"))
    with pytest.raises(CancelledError):
        play(runtime, [], stop=stop)


def test_asks_for_a_stream_again_until_none_has_said_anything_for_the_whole_time():
    runtime = fake_runtime(random=1, retry=RetryPolicy(base_delay=1, max_delay=4, total_timeout=10))
    back_off = BackOff(runtime)
    error = wire_error(UNAVAILABLE)
    for pause in (1, 2, 4):
        back_off.begun()
        assert back_off.pause(error) == pause
        runtime.clock.now += pause
    back_off.begun()
    with pytest.raises(TransportError):
        back_off.pause(error)
    back_off.heard()
    assert back_off.last_error is None
    assert back_off.pause(None) == 4
