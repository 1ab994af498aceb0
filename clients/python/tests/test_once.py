from __future__ import annotations

import pytest

import holdfast
from holdfast import FailedError, OutcomeUnknownError


def never(attempt):
    raise AssertionError("this work is not to be run")


def test_runs_the_work_once_and_replays_what_it_returned(hf, key):
    first = hf.once("charge", key, input={"amount": 3}, work=lambda attempt: {"charge": ("ch_1", attempt.number)})
    again = hf.once("charge", key, input={"amount": 3.0}, work=never)
    assert (first.value, first.replayed, first.attempt, first.reason) == ({"charge": ["ch_1", 1]}, False, 1, "new")
    assert (again.value, again.replayed, again.attempt, again.reason) == (first.value, True, 1, None)


@pytest.mark.parametrize("value", [None, b"\x00\xff", 2**60, "\u20ac", []])
def test_gives_everybody_the_same_value(hf, key, value):
    assert hf.once("charge", key, input=None, work=lambda _: value).value == value
    assert hf.once("charge", key, input=None, work=never).value == value
    assert hf.result("charge", key) == value


def test_is_a_block_too(hf, key):
    with hf.attempt("charge", key, input="order") as attempt:
        assert not attempt.replayed
        assert attempt.complete((1, 2)) == [1, 2]
        with pytest.raises(holdfast.AttemptEndedError):
            attempt.complete(3)
    assert attempt.done
    with hf.attempt("charge", key, input="order") as attempt:
        assert attempt.replayed
        assert attempt.value == [1, 2]
        with pytest.raises(holdfast.AttemptEndedError, match=r"attempt\.replayed"):
            attempt.checkpoint(1)


def test_takes_a_block_that_does_not_complete_for_one_that_has_failed(hf, key):
    with pytest.raises(holdfast.NotCompletedError, match=r"attempt\.complete\(value\)"):
        with hf.attempt("charge", key, input=None):
            pass
    assert hf.once("charge", key, input=None, work=lambda attempt: attempt.reason).value == "retry"


def test_refuses_the_same_key_with_another_input(hf, key):
    hf.once("charge", key, input=1, work=lambda _: 1)
    with pytest.raises(holdfast.FingerprintMismatchError) as caught:
        hf.once("charge", key, input=2, work=never)
    assert caught.value.code == 6


def test_refuses_what_cannot_be_claimed_before_anything_is_sent(connect, key):
    nobody = connect("127.0.0.1:1")
    with pytest.raises(holdfast.InvalidInputError, match="a value of type set"):
        nobody.once("charge", key, input={1}, work=never)
    with pytest.raises(holdfast.FieldInvalidError, match=r"key\.scope must be 1 to 128 bytes"):
        nobody.once("", key, input=1, work=never)
    with pytest.raises(holdfast.FieldInvalidError, match='reuse must be "replay-all" or "retry-failed" or "reject"'):
        nobody.once("charge", key, input=1, work=never, reuse="never")
    with pytest.raises(holdfast.FieldInvalidError, match="max_attempts must be"):
        nobody.once("charge", key, input=1, work=never, max_attempts=-1)


def test_tells_what_the_server_refuses(hf, key):
    with pytest.raises(holdfast.DurationOutOfRangeError) as caught:
        hf.once("charge", key, input=1, work=never, lease=0.1)
    assert caught.value.violations[0].field == "lease"


def test_raises_what_the_work_raised_and_lets_the_next_caller_run_it(hf, key):
    def fails(attempt):
        raise KeyError("busy")

    with pytest.raises(KeyError, match="busy"):
        hf.once("charge", key, input=1, work=fails)

    def work(attempt):
        return [attempt.number, attempt.reason, attempt.previous_error.message]

    assert hf.once("charge", key, input=1, work=work).value == [2, "retry", "KeyError: 'busy'"]


def test_replays_a_terminal_failure(hf, key):
    def fails(attempt):
        try:
            raise ValueError("card declined")
        except ValueError as error:
            raise holdfast.terminal(error, code=9) from error

    with pytest.raises(ValueError, match="^card declined$"):
        hf.once("charge", key, input=1, work=fails)
    with pytest.raises(FailedError, match="reported, attempt 1.*card declined") as caught:
        hf.once("charge", key, input=1, work=never)
    assert (caught.value.fail_reason, caught.value.status.code) == ("reported", 9)
    assert hf.once("charge", key, input=1, work=lambda a: a.number, reuse="retry-failed").value == 2


def test_takes_an_error_without_a_word_for_an_unknown_outcome_under_hold(hf, key):
    with pytest.raises(ZeroDivisionError):
        hf.once("charge", key, input=1, work=lambda _: 1 / 0, on_lease_expiry="hold")
    with pytest.raises(OutcomeUnknownError) as caught:
        hf.once("charge", key, input=1, work=never, on_lease_expiry="hold")
    assert caught.value.evidence.reason == "reported"


def test_tells_the_server_also_of_what_ends_the_process(hf, key):
    def interrupted(attempt):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hf.once("charge", key, input=1, work=interrupted)
    assert hf.once("charge", key, input=1, work=lambda a: a.number).value == 2


def test_says_that_a_result_is_not_stored_and_never_runs_the_work_again(hf, key):
    with pytest.raises(holdfast.ResultUnavailableError, match="TypeError") as caught:
        hf.once("charge", key, input=1, work=lambda _: {1, 2})
    assert (caught.value.why, caught.value.value, caught.value.replayed) == ("omitted", {1, 2}, False)
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(holdfast.ResultUnavailableError) as again:
        hf.once("charge", key, input=1, work=never)
    assert again.value.replayed


def test_gives_the_next_attempt_what_the_last_one_left_behind(hf, key):
    def first(attempt):
        attempt.checkpoint({"page": 2})
        attempt.checkpoint({"page": 3}, name="pages")
        attempt.set_external_ref("pi_3")
        attempt.progress(0.5, "half of it")
        with pytest.raises(holdfast.CheckpointTooLargeError):
            attempt.checkpoint("x" * 65536)
        with pytest.raises(holdfast.InvalidInputError):
            attempt.checkpoint({1})
        with pytest.raises(holdfast.FieldInvalidError, match=r"progress\.fraction must be 0 to 1"):
            attempt.progress(1.5)
        raise holdfast.not_started("later")

    with pytest.raises(Exception, match="^later$"):
        hf.once("charge", key, input=1, work=first)

    def second(attempt):
        left = attempt.last_checkpoint
        attempt.checkpoint({"page": 4})
        return [attempt.number, left.name, left.sequence, left.data]

    assert hf.once("charge", key, input=1, work=second).value == [1, "pages", 2, {"page": 3}]


def test_derives_the_same_key_for_a_provider_in_every_attempt(hf, key):
    derived = []

    def work(attempt):
        derived.append([attempt.key_for("stripe"), attempt.key_for("stripe", "uuid"), attempt.key_for("adyen")])
        if attempt.number == 1:
            raise holdfast.retryable("busy")

    with pytest.raises(Exception, match="busy"):
        hf.once("charge", key, input=1, work=work)
    hf.once("charge", key, input=1, work=work)
    assert derived[0] == derived[1]
    assert len(set(derived[0])) == 3


def test_warns_when_the_first_claim_fixed_another_policy(connect, key):
    warnings = []
    hf = connect(on_warning=warnings.append)
    hf.once("charge", key, input=1, work=lambda _: 1, max_attempts=3)
    hf.once("charge", key, input=1, work=never, max_attempts=4)
    assert [(warning.kind, warning.scope) for warning in warnings] == [("policy-differs", "charge")]


class Loaded(dict):
    """Stands for what a library makes, whose own code runs when it is encoded."""

    def __init__(self, error):
        super().__init__(a=1)
        self.error = error

    def items(self):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError, AttributeError, KeyError, AssertionError, MemoryError])
def test_never_runs_the_work_again_whatever_encoding_its_result_raises(hf, key, error):
    value = Loaded(error("the session is closed"))
    with pytest.raises(holdfast.ResultUnavailableError, match=f"cannot be encoded: {error.__name__}$") as caught:
        hf.once("charge", key, input=1, work=lambda _: value)
    assert caught.value.value is value
    assert isinstance(caught.value.__cause__, error)
    with pytest.raises(holdfast.ResultUnavailableError):
        hf.once("charge", key, input=1, work=never)


def test_tells_work_what_its_checkpoint_cannot_be_encoded_for(hf, key):
    def work(attempt):
        with pytest.raises(holdfast.InvalidInputError, match="neither JSON nor bytes: the session is closed"):
            attempt.checkpoint(Loaded(RuntimeError("the session is closed")))
        return 1

    assert hf.once("charge", key, input=1, work=work).value == 1


def test_works_also_when_what_is_told_of_warnings_raises(connect, key, caplog):
    def broken(warning):
        raise RuntimeError("no room for warnings")

    hf = connect(on_warning=broken)
    hf.once("charge", key, input=1, work=lambda _: 1, max_attempts=3)
    assert hf.once("charge", key, input=1, work=never, max_attempts=4).value == 1
    assert "on_warning raised, told of policy-differs" in caplog.text
    assert "no room for warnings" in caplog.text
