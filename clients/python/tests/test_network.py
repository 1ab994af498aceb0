from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

import holdfast

QUICK = holdfast.RetryPolicy(try_timeout=1)


def test_is_the_same_holder_when_the_answer_to_its_claim_is_lost(connect, proxy, key):
    hf = connect(proxy.address, retry=QUICK)
    hf.once("charge", f"{key}-before", input=1, work=lambda _: 0)
    proxy.hold("to-client")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(hf.once, "charge", key, input=1, work=lambda a: [a.number, a.reason])
        told = connect().wait_for([("charge", key)], timeout=30)
        assert next(event for event in told if event.kind == "lease-changed" or event.record is not None)
        proxy.cut()
        proxy.release()
        assert call.result(30).value == [1, "reattached"]


def test_knows_that_the_work_is_done_when_the_answer_to_its_end_is_lost(connect, proxy, key):
    hf = connect(proxy.address, retry=QUICK)

    def work(attempt):
        proxy.hold("to-client")
        return "done"

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(hf.once, "charge", key, input=1, work=work)
        assert connect().result("charge", key, timeout=30) == "done"
        proxy.cut()
        proxy.release()
        assert (call.result(30).value, call.result(30).replayed) == ("done", False)


def test_goes_on_waiting_when_the_connection_is_reset_and_tells_nothing_twice(connect, proxy, key):
    hf = connect(proxy.address)
    with ThreadPoolExecutor(1) as pool, connect().attempt("charge", key, input=1) as attempt:
        waiting = pool.submit(hf.once, "charge", key, input=1, work=None)
        events = hf.wait_for([("charge", key)])
        assert next(events).record.state == "in-progress"
        proxy.cut()
        attempt.checkpoint(1)
        assert next(events).kind in ("checkpoint", "snapshot")
        proxy.cut()
        attempt.complete("done")
        assert [event.value for event in events if event.kind == "ended"] == ["done"]
        assert waiting.result(30).value == "done"


def test_says_that_no_server_answers_when_its_time_for_trying_is_over(connect, key):
    hf = connect("127.0.0.1:1", retry=holdfast.RetryPolicy(try_timeout=0.3, total_timeout=0.5))
    with pytest.raises(holdfast.TransportError, match=r"no server answered at 127\.0\.0\.1:1") as caught:
        hf.once("charge", key, input=1, work=None)
    assert (caught.value.reason, caught.value.code) == ("", 14)
    with pytest.raises(holdfast.TransportError):
        hf.result("charge", key)


def test_goes_past_a_server_that_is_down(connect, address, key):
    hf = connect("127.0.0.1:1", address)
    assert [hf.once("charge", f"{key}-{i}", input=1, work=lambda a: a.number).value for i in range(6)] == [1] * 6


def test_keeps_the_result_for_the_caller_when_it_is_not_known_to_be_stored(connect, proxy, key):
    hf = connect(proxy.address, retry=holdfast.RetryPolicy(try_timeout=0.2, total_timeout=0.4))

    def work(attempt):
        proxy.hold()
        return "done"

    with pytest.raises(holdfast.CompleteFailedError, match="not known to be stored") as caught:
        hf.once("charge", key, input=1, work=work)
    assert caught.value.value == "done"
    proxy.cut()


def test_asks_for_a_token_before_each_call_and_tries_again_when_there_is_none(connect, key):
    asked = []

    def token():
        asked.append(len(asked))
        if len(asked) == 1:
            raise OSError("secret")
        return "token"

    hf = connect(token=token)
    assert hf.once("charge", key, input=1, work=lambda _: 1).value == 1
    assert len(asked) >= 3


def test_says_so_when_a_token_cannot_be_sent_and_does_not_quote_it(connect, key):
    with pytest.raises(holdfast.TokenUnavailableError, match="visible ASCII") as caught:
        connect(token=lambda: "two words").once("charge", key, input=1, work=None)
    assert "two words" not in str(caught.value)
