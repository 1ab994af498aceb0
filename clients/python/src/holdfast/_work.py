"""What `once` is given to do, and what it has returned."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from ._failure import OnLeaseExpiry, not_started

INSTEAD = (
    "this client is synchronous: give it a function that returns when the work is done, "
    "such as lambda attempt: asyncio.run(work(attempt))"
)
KINDS = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def check_work(work: Any) -> None:
    """
    Raises TypeError for a function whose call only makes something that would do the work: that would be stored as the
    result of work that was never run.
    """
    # Python looks an object's `__call__` up in its type, and calling a class makes an object.
    called = getattr(type(work), "__call__", None)  # noqa: B004
    if any(is_such(work) or is_such(called) for is_such in KINDS):
        raise TypeError(f"work must not be an async function or a generator function; {INSTEAD}")


def run_work(work: Callable[[Any], Any], attempt: Any, on_lease_expiry: OnLeaseExpiry) -> Any:
    """
    What the work returns. Raises TypeError for what would have to be awaited or iterated first.

    Of a coroutine that has not begun nothing was done, unless by the function that made it. Under "reacquire" the next
    caller runs the work in either case, and the attempt does not count; under "hold" that must not be guessed, and the
    error goes without a word.
    """
    value = work(attempt)
    is_new = is_not_begun(value)
    try:
        check_done(value)
    except TypeError as error:
        if is_new and on_lease_expiry == "reacquire":
            raise not_started(error) from None
        raise
    return value


def check_done(value: Any) -> None:
    """Raises TypeError for an awaitable or a generator. Asks the type only: the value's own code may raise."""
    kind = type(value)
    if not hasattr(kind, "__await__") and not issubclass(kind, (GeneratorType, AsyncGeneratorType)):
        return
    if issubclass(kind, CoroutineType):
        # Or Python complains, at some other time, that it was never awaited.
        value.close()
    raise TypeError(f"the work has returned a {kind.__name__}, so it is not done; {INSTEAD}")


def is_not_begun(value: Any) -> bool:
    """False also of what does not tell, such as a task."""
    if issubclass(type(value), CoroutineType):
        return inspect.getcoroutinestate(value) == inspect.CORO_CREATED
    return issubclass(type(value), GeneratorType) and inspect.getgeneratorstate(value) == inspect.GEN_CREATED
