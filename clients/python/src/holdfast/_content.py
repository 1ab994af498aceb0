"""Values as they are stored: results and checkpoints alike."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ._fingerprint import Bytes

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"
NOT_CODABLE = (TypeError, ValueError, RecursionError)
"""What decoding raises."""


def encode_content(value: Any) -> tuple[bytes, str]:
    """
    Bytes stay bytes; everything else becomes JSON. Raises for what is not JSON, such as a set, NaN, a cycle; and
    whatever the value's own code raises, such as the methods of a dict of another class.
    """
    if isinstance(value, Bytes):
        return bytes(value), BYTES_TYPE
    try:
        return to_json(value, ensure_ascii=False).encode(), JSON_TYPE
    except UnicodeEncodeError:
        # UTF-8 cannot carry a lone surrogate, and an escape can.
        return to_json(value, ensure_ascii=True).encode(), JSON_TYPE


def to_json(value: Any, *, ensure_ascii: bool) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=ensure_ascii, separators=(",", ":"))


def decode_content(data: bytes, content_type: str) -> Any:
    """
    A fresh value each time. No bytes at all are what is stored of work that returns nothing, in languages that tell
    that from null. Raises one of NOT_CODABLE for another type, or bytes that are not what they are called.
    """
    media_type = content_type.split(";", 1)[0].strip().lower()
    if media_type == JSON_TYPE or media_type.endswith("+json"):
        return None if data == b"" else json.loads(data.decode("utf-8-sig"), parse_constant=refuse_constant)
    if media_type in (BYTES_TYPE, ""):
        return data
    raise TypeError(f"content of type {content_type!r} is neither JSON nor bytes")


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def decode_or_bytes(data: bytes, content_type: str) -> Any:
    """A checkpoint is a hint: one that another program wrote must not keep this one from working."""
    try:
        return decode_content(data, content_type)
    except NOT_CODABLE:
        return data
