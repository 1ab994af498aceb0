"""
The server's bounds, checked before sending: a message over 1.25 MiB is refused by the transport, which cannot say why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from ._errors import INVALID_ARGUMENT, Violation
from ._reasons import FieldInvalidError

Seconds = float | timedelta
"""A time: seconds, or a timedelta."""

TENANT = (0, 63)
SCOPE = (1, 128)
KEY = (1, 512)
LABEL = (0, 256)
RESULT_BYTES_MAX = 1024 * 1024
CHECKPOINT_BYTES_MAX = 64 * 1024
ERROR_BYTES_MAX = 16 * 1024
METADATA_BYTES_MAX = 4 * 1024
DURATION_SECONDS_MAX = 315_576_000_000
"""What a google.protobuf.Duration can say: ten thousand years."""


def field_invalid(field: str, allowed: str) -> FieldInvalidError:
    violations = (Violation(field, allowed),)
    message = f"{field} must be {allowed}"
    return FieldInvalidError(message, reason="FIELD_INVALID", code=INVALID_ARGUMENT, violations=violations)


def check_text(field: str, text: str, bounds: tuple[int, int]) -> str:
    """A lone surrogate is refused here because UTF-8 cannot carry it. Raises FieldInvalidError."""
    least, most = bounds
    size = size_of(text) if isinstance(text, str) and "\0" not in text else None
    if size is None or not least <= size <= most:
        raise field_invalid(field, f"{least} to {most} bytes of well-formed text without U+0000")
    return text


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    sizes = [size_of(part) if isinstance(part, str) else None for pair in metadata.items() for part in pair]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        raise field_invalid("metadata", "well-formed text, names and values")
    if sum(known) > METADATA_BYTES_MAX:
        raise field_invalid("metadata", f"at most {METADATA_BYTES_MAX} bytes, names included")
    return dict(metadata)


def size_of(text: str) -> int | None:
    """In bytes of UTF-8; None for a text that it cannot carry."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None


def to_seconds(field: str, time: Seconds) -> float:
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or math.isnan(seconds):
        raise field_invalid(field, "a number of seconds, or a timedelta")
    return float(seconds)


def to_duration(field: str, time: Seconds) -> Duration:
    """It goes to the server to be judged; only what a Duration cannot say is refused here."""
    seconds = to_seconds(field, time)
    if not abs(seconds) <= DURATION_SECONDS_MAX:
        raise field_invalid(field, "a finite time")
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration


def to_timeout(timeout: Seconds | None) -> float:
    """How long to wait; None is for ever."""
    if timeout is None:
        return math.inf
    seconds = to_seconds("timeout", timeout)
    if seconds < 0:
        raise field_invalid("timeout", "seconds from 0, or None to wait for ever")
    return seconds


def cut_to_bytes(text: str, most: int) -> str:
    """The beginning of a text for people that fits, at a whole code point."""
    return text.encode(errors="replace")[:most].decode(errors="ignore")
