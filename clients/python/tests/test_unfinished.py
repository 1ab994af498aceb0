"""Work that would have to be awaited or iterated to be done."""

from __future__ import annotations

import asyncio
import functools

import pytest

import holdfast


async def coroutine(attempt):
    return attempt.number


def generator(attempt):
    yield attempt.number


async def stream(attempt):
    yield attempt.number


class Callable:
    async def __call__(self, attempt):
        return attempt.number


@pytest.mark.parametrize(
    "work",
    [coroutine, generator, stream, Callable(), functools.partial(coroutine)],
    ids=lambda work: type(work).__name__,
)
def test_is_refused_before_anything_is_claimed(hf, key, work):
    with pytest.raises(TypeError, match=r"work must not be an async function.*asyncio\.run\(work\(attempt\)\)"):
        hf.once("charge", key, input=1, work=work)
    assert hf.reconcile("charge", key, judge=None).kind == "absent"


@pytest.mark.parametrize(("work", "kind"), [(coroutine, "coroutine"), (generator, "generator")])
def test_has_not_started_when_it_is_returned_and_the_next_caller_does_it(hf, key, work, kind):
    with pytest.raises(TypeError, match=f"the work has returned a {kind}, so it is not done") as caught:
        hf.once("charge", key, input=1, work=lambda attempt: work(attempt), max_attempts=1)
    assert caught.value.__cause__ is None
    done = hf.once("charge", key, input=1, work=lambda a: [asyncio.run(coroutine(a)), a.reason], max_attempts=1)
    assert done.value == [1, "retry"]


def test_has_an_unknown_outcome_under_hold_for_what_returned_it_may_have_done_something(hf, key):
    with pytest.raises(TypeError, match="a coroutine"):
        hf.once("charge", key, input=1, work=lambda attempt: coroutine(attempt), on_lease_expiry="hold")
    with pytest.raises(holdfast.OutcomeUnknownError):
        hf.once("charge", key, input=1, work=None, on_lease_expiry="hold")


def test_counts_as_an_attempt_when_it_has_begun_or_does_not_tell(hf, key):
    def begun(attempt):
        made = generator(attempt)
        next(made)
        return made

    def told_later(attempt):
        return asyncio.Future(loop=loop)

    loop = asyncio.new_event_loop()
    for work in (begun, told_later, stream):
        with pytest.raises(TypeError, match="so it is not done"):
            hf.once("charge", key, input=1, work=lambda attempt, work=work: work(attempt))
    loop.close()
    assert hf.once("charge", key, input=1, work=lambda a: a.number).value == 4


def test_does_not_complete_a_block_which_may_do_so_then(hf, key):
    with hf.attempt("charge", key, input=1) as attempt:
        with pytest.raises(TypeError, match="a coroutine"):
            attempt.complete(coroutine(attempt))
        attempt.complete(asyncio.run(coroutine(attempt)))
    assert hf.result("charge", key) == 1


def test_lets_a_class_be_the_work_whose_objects_are_async(hf, key):
    class Made(dict):
        def __init__(self, attempt):
            super().__init__(number=attempt.number)

        async def __call__(self, attempt):
            pass

    assert hf.once("charge", key, input=1, work=Made).value == {"number": 1}
