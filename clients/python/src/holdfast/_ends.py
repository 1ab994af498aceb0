"""
The calls that end an attempt. A lost answer is asked for again with the same content, which the server tells by its
digest, until the retry policy's total time is over. Neither the caller's giving up nor close() stops them: the work is
over, and what became of it is all that is left to say. Late ends are accepted, so the lease does not stop them either.

They raise HoldfastError; a LeaseLostError when the lease is another's by now.
"""

from __future__ import annotations

from typing import Any

from ._errors import HoldfastError
from ._failure import KINDS, AttemptFailure, to_status
from ._limits import to_duration
from ._retry import retrying
from ._runtime import Runtime
from ._wire import to_lease_error
from .v1 import idempotency_pb2 as pb


def send_complete(runtime: Runtime, handle: pb.LeaseHandle, result: pb.Result) -> None:
    until_answered(runtime, "Complete", pb.CompleteRequest(handle=handle, result=result))


def send_fail(runtime: Runtime, handle: pb.LeaseHandle, failure: AttemptFailure) -> None:
    request = pb.FailRequest(handle=handle, kind=KINDS[failure.kind], error=to_status(failure))
    if failure.delay > 0:
        request.delay.CopyFrom(to_duration("delay", failure.delay))
    until_answered(runtime, "Fail", request)


def until_answered(runtime: Runtime, method: str, request: Any) -> None:
    give_up_at = runtime.clock.monotonic() + runtime.retry.total_timeout
    try:
        retrying(
            runtime,
            lambda timeout, _: runtime.transport.call(method, request, timeout),
            give_up_at=give_up_at,
            stop=runtime.lifetime.never,
            abandon=lambda _: None,
        )
    except HoldfastError as error:
        known = to_lease_error(error)
        if known is error:
            raise
        raise known from error
