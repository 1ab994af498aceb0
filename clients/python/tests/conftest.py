from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from proxies import TcpProxy
from servers import node, serving

import holdfast


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Of HOLDFAST_TEST_ADDRESS, or of a server that is started for the tests."""
    given = os.environ.get("HOLDFAST_TEST_ADDRESS")
    if given:
        yield given
        return
    program = node()
    if program is None:
        pytest.skip("left out: there is no Node 24 to run a server with, and no HOLDFAST_TEST_ADDRESS")
    with serving(program) as started:
        yield started


@pytest.fixture
def connect(address: str) -> Iterator[Callable[..., holdfast.Client]]:
    """Clients that are closed when the test is over; warnings fail it, unless it takes them itself."""
    clients: list[holdfast.Client] = []
    warnings: list[holdfast.Warning] = []

    def make(*addresses: str, **options: object) -> holdfast.Client:
        client = holdfast.connect(*(addresses or [address]), **{"on_warning": warnings.append, **options})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    assert warnings == []


@pytest.fixture
def hf(connect: Callable[..., holdfast.Client]) -> holdfast.Client:
    return connect()


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def proxy(address: str) -> Iterator[TcpProxy]:
    proxy = TcpProxy(address)
    yield proxy
    proxy.close()
