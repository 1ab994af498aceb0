"""Connections: one for each address. Calls go round, and past those that are down."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from ._clock import Clock
from ._credentials import Credential
from ._errors import ClosedError, HoldfastError
from ._reasons import CredentialsInvalidError
from ._tls import Tls, channel_credentials
from ._wire import UNAVAILABLE, to_error
from .v1.idempotency_pb2_grpc import IdempotencyServiceStub

OPTIONS: list[tuple[str, Any]] = [
    # A connection whose other end is gone without a word is found within 40 s instead of never.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC begins at 1 s and goes up to 120 s: a server that restarts would be missed for longer than a lease.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # How long a connection may take to come about, whatever its name says.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.service_config_disable_resolution", 1),
    # Two clients of one process do not share what one of them has found to be down.
    ("grpc.use_local_subchannel_pool", 1),
]

DOWN = 1.0
"""For how long, in seconds, an address is passed over that could not be reached, while another one can."""

LOOPBACK = re.compile(r"(?:///?)?(?:(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?|::1)", re.IGNORECASE)


class Call:
    """A unary call that is under way."""

    def __init__(self, line: Line, future: Any, token: str | None) -> None:
        self._line = line
        self._future = future
        self.address = line.address
        self.token = token

    def follow(self, tell: Callable[[], object]) -> None:
        """Calls back when it is over, from another thread."""
        self._future.add_done_callback(lambda _: tell())

    def done(self) -> bool:
        return bool(self._future.done())

    def cancel(self) -> None:
        self._future.cancel()

    def answer(self) -> Any:
        """Waits for it. Raises HoldfastError."""
        if self._future.code() is grpc.StatusCode.OK:
            self._line.down_until = 0
            return self._future.result()
        raise self._line.failed(self._future)


class Line:
    def __init__(self, address: str, channel: grpc.Channel, clock: Clock) -> None:
        self.address = address
        self.channel = channel
        self.stub = IdempotencyServiceStub(channel)  # type: ignore[no-untyped-call]
        self.down_until = 0.0
        self._clock = clock

    def is_down(self) -> bool:
        return self.down_until > self._clock.monotonic()

    def failed(self, future: Any) -> HoldfastError:
        code = future.code().value[0]
        error = to_error(code, future.details() or "", future.trailing_metadata() or ())
        if code == UNAVAILABLE and error.reason in ("", "DRAINING"):
            self.down_until = self._clock.monotonic() + DOWN
        if code == UNAVAILABLE and error.reason == "":
            return to_error(code, f"no server answered at {self.address}: {future.details()}")
        return error


class Transport:
    def __init__(self, addresses: Sequence[str], credential: Credential, tls: Tls | None, clock: Clock) -> None:
        self._credential = credential
        self._lines = [Line(address, open_channel(address, tls), clock) for address in addresses]
        self._turn = 0
        self._lock = threading.Lock()
        self._closed = False

    def call(self, method: str, request: Any, timeout: float, address: str | None = None) -> Call:
        """
        Begins a call, at this address if it is not down. Fetches the token first, if there is one to fetch.

        Raises TokenUnavailableError or ClosedError.
        """
        token = self._credential.get()
        line = self._pick(address)
        future = getattr(line.stub, method).future(request, timeout=timeout, metadata=metadata(token))
        return Call(line, future, token)

    def stream(self, method: str, request: Any) -> Stream:
        token = self._credential.get()
        line = self._pick(None)
        return Stream(line, getattr(line.stub, method)(request, metadata=metadata(token)), token)

    def is_renewed(self, call: Call | Stream, error: HoldfastError) -> bool:
        """Whether there is another credential now than the one that was refused: it may have expired on the way."""
        if not isinstance(error, CredentialsInvalidError) or not self._credential.is_fetched:
            return False
        return self._credential.get() != call.token

    def close(self) -> None:
        self._closed = True
        for line in self._lines:
            line.channel.close()

    def _pick(self, address: str | None) -> Line:
        if self._closed:
            raise ClosedError
        with self._lock:
            turn = self._turn
            self._turn = (turn + 1) % len(self._lines)
        in_turn = self._lines[turn:] + self._lines[:turn]
        in_order = [line for line in in_turn if line.address == address] + in_turn
        return next((line for line in in_order if not line.is_down()), in_turn[0])


class Stream:
    """A call that the server answers with messages."""

    def __init__(self, line: Line, call: Any, token: str | None) -> None:
        self._line = line
        self._call = call
        self.token = token

    def messages(self) -> Iterator[Any]:
        """Waits for each. Raises HoldfastError."""
        try:
            for message in self._call:
                self._line.down_until = 0
                yield message
        except grpc.RpcError:
            raise self._line.failed(self._call) from None

    def cancel(self) -> None:
        self._call.cancel()


def open_channel(address: str, tls: Tls | None) -> grpc.Channel:
    options = list(OPTIONS)
    if is_loopback(address):
        # The proxy of the environment would take the call to its own machine, and read what is in it.
        options.append(("grpc.enable_http_proxy", 0))
    if tls is None:
        return grpc.insecure_channel(address, options)
    if tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return grpc.secure_channel(address, channel_credentials(tls), options)


def metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("authorization", f"Bearer {token}"),)


def is_loopback(address: str) -> bool:
    """Whether what is sent there stays on this machine. `address` is a target of gRPC: host:port, or unix:path."""
    scheme, colon, rest = address.partition(":")
    if colon and scheme in ("unix", "unix-abstract"):
        return True
    targets = rest if colon and scheme in ("dns", "ipv4", "ipv6") else address
    return all(LOOPBACK.fullmatch(part) for part in targets.split(","))
