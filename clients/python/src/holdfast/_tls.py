"""What connections are encrypted with. What is raised here says which option is wrong, and nothing of what it holds."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import grpc

Pem = str | bytes


@dataclass(frozen=True)
class Tls:
    """All PEM is the text, and not a path."""

    ca: Pem | None = None
    """Authorities that the server's certificate is checked against. Default: those that gRPC brings along."""
    cert: Pem | None = None
    """The client's own certificate, with those above it. Needs a key."""
    key: Pem | None = None
    server_name: str | None = None
    """The name that the server's certificate must hold. Default: the host of the address."""

    def __repr__(self) -> str:
        return "Tls(...)"


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    """Raises ValueError."""
    if (tls.cert is None) != (tls.key is None):
        raise ValueError("tls.cert and tls.key go together")
    ca = pem("tls.ca", "CERTIFICATE", tls.ca)
    if ca is not None:
        try:
            ssl.create_default_context(cadata=ca.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
            raise ValueError("tls.ca holds a certificate that cannot be read") from error
    key = pem("tls.key", "PRIVATE KEY", tls.key)
    return grpc.ssl_channel_credentials(ca, key, pem("tls.cert", "CERTIFICATE", tls.cert))


def pem(option: str, what: str, text: Pem | None) -> bytes | None:
    if text is None:
        return None
    data = text.encode() if isinstance(text, str) else bytes(text)
    if b"-----BEGIN " not in data or f"{what}-----".encode() not in data:
        raise ValueError(f"{option} must hold a {what.lower()} in PEM: the text, not a path")
    return data
