"""Observing records until they have ended."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from ._errors import AnswerIncompleteError, HoldfastError, InvalidInputError, TimeoutError
from ._events import AnyEvent, EndedEvent, Target
from ._limits import Seconds, to_timeout
from ._request import one_of
from ._retry import BackOff
from ._runtime import Runtime
from ._stop import Stop
from ._transport import Stream
from ._wait_memory import WaitMemory
from ._wire import UNAVAILABLE, to_error
from .v1 import idempotency_pb2 as pb

WaitMode = Literal["all", "any"]
MODES = {"all": pb.WAIT_MODE_ALL, "any": pb.WAIT_MODE_ANY}
TARGETS_MAX = 100
"""What one call of the server takes."""
KEEP_ALIVE = 15
SILENCE = 2 * KEEP_ALIVE
"""Of a stream that lives, one of two keep-alives arrives."""
TIMEOUT_MIN, TIMEOUT_MAX = 1, 600
"""What the server takes."""
AHEAD = 16
"""Messages that are read before anybody asks for them."""


@dataclass(frozen=True)
class Wait:
    runtime: Runtime
    messages: Sequence[pb.WaitTarget]
    memories: Sequence[WaitMemory]
    mode: WaitMode
    include_result: bool
    must_exist: bool
    timeout: float
    cancel: threading.Event | None

    def is_over(self) -> bool:
        """Also without the server's word for it, which may be lost."""
        ends = sum(memory.has_ended for memory in self.memories)
        return ends == len(self.memories) or (self.mode == "any" and ends > 0)


def wait_for(
    runtime: Runtime,
    targets: Iterable[Target | tuple[str, str]],
    *,
    mode: WaitMode,
    include_result: bool,
    must_exist: bool,
    timeout: Seconds | None,
    cancel: threading.Event | None,
) -> Iterator[AnyEvent]:
    """See `Client.wait_for`. What is wrong with the targets is raised at once."""
    asked = [to_target(target) for target in targets]
    if not 1 <= len(asked) <= TARGETS_MAX:
        raise InvalidInputError(f"wait_for takes 1 to {TARGETS_MAX} targets, not {len(asked)}")
    one_of("mode", MODES, mode)
    messages = [target.to_message(runtime.tenant) for target in asked]
    memories = [WaitMemory(target, index, include_result=include_result) for index, target in enumerate(asked)]
    seconds = to_timeout(timeout)
    return events_of(Wait(runtime, messages, memories, mode, include_result, must_exist, seconds, cancel))


def to_target(given: Target | tuple[str, str]) -> Target:
    if isinstance(given, Target):
        return given
    if isinstance(given, str) or len(given) != 2:
        raise InvalidInputError("a target is a Target, or a pair of scope and key")
    return Target(*given)


def result_of(runtime: Runtime, events: Iterator[AnyEvent]) -> Any:
    """See `Client.result`."""
    with runtime.lifetime.running():
        for event in events:
            if isinstance(event, EndedEvent):
                return event.result()
    raise AnswerIncompleteError("the end of a wait, and not that of the record")


def events_of(wait: Wait) -> Iterator[AnyEvent]:
    runtime = wait.runtime
    back_off = BackOff(runtime)
    end = runtime.clock.monotonic() + wait.timeout

    def timed_out() -> TimeoutError:
        left = sum(not memory.has_ended for memory in wait.memories)
        late = TimeoutError(wait.timeout, None, f"{left} of {len(wait.memories)} records have not ended")
        late.__cause__ = back_off.last_error
        return late

    at_end = None if wait.timeout == math.inf else timed_out
    limit = Stop(runtime.clock, parent=runtime.lifetime.closing, cancel=wait.cancel, end=end, at_end=at_end)
    refused: str | None = None
    try:
        while True:
            limit.check()
            open_ones = [pair for pair in zip(wait.messages, wait.memories, strict=True) if not pair[1].has_ended]
            request = request_of(wait, [message for message, _ in open_ones], end - runtime.clock.monotonic())
            back_off.begun()
            stream: Stream | None = None
            failure: HoldfastError | None = None
            try:
                stream = runtime.transport.stream("WaitFor", request)
                with closing(read(runtime, stream, limit)) as told:
                    for message in told:
                        back_off.heard()
                        if message.HasField("finish"):
                            if message.finish.reason == pb.Finish.REASON_DONE:
                                return
                            break
                        event = open_ones[message.target_index][1].take(message)
                        if event is not None:
                            yield event
                            limit.check()
            except HoldfastError as error:
                limit.check()
                failure = error
            if wait.is_over():
                return
            if stream is not None and failure is not None and stream.token != refused:
                refused = stream.token
                if runtime.transport.is_renewed(stream, failure):
                    continue
            limit.wait(back_off.pause(failure))
    finally:
        limit.release()


def request_of(wait: Wait, targets: list[pb.WaitTarget], left: float) -> pb.WaitForRequest:
    request = pb.WaitForRequest(
        targets=targets,
        mode=MODES[wait.mode],
        include_result=wait.include_result,
        must_exist=wait.must_exist,
    )
    request.timeout.FromMilliseconds(math.ceil(1000 * max(TIMEOUT_MIN, min(TIMEOUT_MAX, left))))
    request.keep_alive_interval.FromSeconds(KEEP_ALIVE)
    return request


def read(runtime: Runtime, stream: Stream, limit: Stop) -> Generator[pb.WaitForResponse, None, None]:
    """
    The messages of a stream, until its error, which one that fell silent or ended without a finish has, too. gRPC can
    be waited for only for ever, so a thread does that.

    Raises HoldfastError, or the limit's reason.
    """
    clock = runtime.clock
    arrived: queue.SimpleQueue[pb.WaitForResponse | HoldfastError] = queue.SimpleQueue()
    room = threading.Semaphore(AHEAD)
    wake = threading.Event()

    def carry() -> None:
        try:
            for message in stream.messages():
                room.acquire()
                arrived.put(message)
                wake.set()
            arrived.put(to_error(UNAVAILABLE, "the stream ended without a finish"))
        except HoldfastError as error:
            arrived.put(error)
        wake.set()

    threading.Thread(target=carry, name="holdfast-wait", daemon=True).start()
    unfollow = limit.follow(wake.set)
    try:
        while True:
            # Only while somebody asks: a reader may take its time, and the stream fills up meanwhile.
            silent_at = clock.monotonic() + SILENCE
            while arrived.empty():
                limit.check()
                if clock.monotonic() >= silent_at:
                    raise to_error(UNAVAILABLE, f"the stream was silent for {SILENCE} s")
                clock.wait(wake, limit.slice(silent_at - clock.monotonic()))
                wake.clear()
            told = arrived.get()
            if isinstance(told, HoldfastError):
                raise told
            room.release()
            yield told
    finally:
        unfollow()
        stream.cancel()
        # Whoever waits for room sees the end of the stream instead.
        room.release()
