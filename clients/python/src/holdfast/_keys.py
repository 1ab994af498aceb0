"""Idempotency keys for somebody else, who keeps keys as Holdfast does."""

from __future__ import annotations

import hashlib
import hmac
import struct
import uuid
from base64 import urlsafe_b64encode
from typing import Literal

from ._limits import field_invalid, size_of

KeyFormat = Literal["text", "uuid"]
""" "text": 43 characters of base64url. "uuid": a UUID of version 8, for a provider that takes nothing else."""

PURPOSE = "holdfast.v1.key"


def provider_key(record: tuple[str, str, str], provider: str, key_format: KeyFormat = "text") -> str:
    """
    The same in every attempt of this record, on every server and in every language, and another one for each provider,
    so that none of them learns what another was told. It does not depend on the claim: a record that was purged and
    claimed anew is the same work to the provider.

    `record` is tenant, scope and key of the handle that the server gave out, whose tenant is never empty.
    """
    if not isinstance(provider, str) or size_of(provider) is None:
        raise field_invalid("provider", "well-formed text")
    mac = hmac.digest(seed_of(record), provider.encode(), "sha256")
    if key_format == "text":
        return urlsafe_b64encode(mac).decode().rstrip("=")
    if key_format != "uuid":
        raise field_invalid("key_format", '"text" or "uuid"')
    number = bytearray(mac[:16])
    number[6] = number[6] & 0x0F | 0x80
    number[8] = number[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(number)))


def seed_of(record: tuple[str, str, str]) -> bytes:
    """With its length in front of each text: "ab", "c" and "a", "bc" are two records."""
    fields = [text.encode() for text in (PURPOSE, *record)]
    return hashlib.sha256(b"".join(struct.pack(">I", len(field)) + field for field in fields)).digest()
