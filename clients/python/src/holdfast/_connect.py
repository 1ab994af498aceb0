"""Where the servers are, and who calls them over what."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable

from ._client import Client
from ._clock import Clock
from ._credentials import Credential, Token
from ._limits import LABEL, TENANT, check_text
from ._retry import RetryPolicy
from ._runtime import Lifetime, Runtime, Warning, guarded, log_warning
from ._tls import Tls
from ._transport import Transport, is_loopback
from .v1 import idempotency_pb2 as pb


def connect(
    *addresses: str,
    api_key: str | None = None,
    token: Token | None = None,
    tls: bool | Tls = False,
    allow_plaintext: bool = False,
    tenant: str = "",
    service: str = "",
    instance: str | None = None,
    retry: RetryPolicy | None = None,
    on_warning: Callable[[Warning], None] = log_warning,
) -> Client:
    """
    A client of the servers at host:port, several of one database if there are: calls go round, and past those that are
    down. Connects with the first call.

    - `api_key`, or `token`: a JWT or a function that is asked before each call and keeps its token for as long as it is
      good. Both need `tls`, but to this machine, or `allow_plaintext` where something between them encrypts.
    - `tenant`: default the credential's, or "default" on a server without authentication.
    - `service` and `instance`: shown to whoever waits or reconciles; the default instance is this host and process.
    - `on_warning`: told of what can be raised to nobody, in any thread; what it raises is logged. Default: the logger
      "holdfast".

    Raises ValueError for options that contradict each other, or would show a credential to whoever listens.
    """
    if not addresses:
        raise ValueError("connect needs an address")
    if any(address.lower().startswith(("http://", "https://")) for address in addresses):
        # Not quoted: there may be a password in it.
        raise ValueError("an address must be host:port of a server's gRPC port, and not a URL")
    credential = Credential(api_key, token)
    if credential.is_any and not tls and not allow_plaintext and not all(map(is_loopback, addresses)):
        raise ValueError(
            "the credential would cross the network in clear text: "
            "set tls, or allow_plaintext if something else encrypts"
        )
    check_text("tenant", tenant, TENANT)
    check_text("service", service, LABEL)
    process = f"{socket.gethostname()}:{os.getpid()}" if instance is None else instance
    check_text("instance", process, LABEL)
    clock = Clock()
    chosen = (tls if isinstance(tls, Tls) else Tls()) if tls else None
    runtime = Runtime(
        transport=Transport(addresses, credential, chosen, clock),
        tenant=tenant,
        owner=pb.Owner(service=service, instance=process),
        retry=retry or RetryPolicy(),
        clock=clock,
        random=random.random,
        warn=guarded(on_warning),
        lifetime=Lifetime(clock),
    )
    return Client(runtime)
