"""The digest of a call's input, by which a key that is used again for other work is told apart."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, NamedTuple

import rfc8785

from ._errors import InvalidInputError

Bytes = (bytes, bytearray, memoryview)


class Fingerprint(NamedTuple):
    algorithm: Literal["sha256", "jcs-sha256"]
    digest: bytes


def fingerprint(input: Any) -> Fingerprint:  # noqa: A002
    """
    Bytes are hashed as they are. Anything else is hashed as its canonical JSON (RFC 8785), so that the order of keys
    and the spelling of numbers do not matter. The same in every language.

    Raises InvalidInputError for what JSON cannot represent.
    """
    if isinstance(input, Bytes):
        try:
            return Fingerprint("sha256", hashlib.sha256(input).digest())
        except (BufferError, ValueError) as error:
            raise InvalidInputError(
                f"input is a memoryview that cannot be hashed ({error}): pass bytes(view)"
            ) from error
    return Fingerprint("jcs-sha256", hashlib.sha256(canonical_json(input).encode()).digest())


def canonical_json(input: Any) -> str:  # noqa: A002
    """
    The RFC 8785 text of None, a bool, a number, a str, a list or tuple of them, or a dict of them by str.

    Raises InvalidInputError for anything else, rather than to drop it or to turn it into text: two different inputs
    would share one result.
    """
    try:
        return rfc8785.dumps(input).decode()
    except rfc8785.IntegerDomainError as error:
        raise InvalidInputError(TOO_LARGE) from error
    except rfc8785.FloatDomainError as error:
        raise InvalidInputError(
            "input holds NaN or an infinity, which JSON does not have: pass None or text"
        ) from error
    except RecursionError as error:
        raise InvalidInputError("input holds itself, or is nested too deeply: pass plain values, or bytes") from error
    except ValueError as error:
        raise InvalidInputError(advice(input, error)) from error


TOO_LARGE = (
    "input holds a whole number beyond 2**53 - 1, which other languages would read as another one: "
    "pass it as str(number), or as float(number) if its nearest double is meant"
)


def advice(value: Any, error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError) or "UTF-8" in str(error):
        return "input holds a lone surrogate, which is half a character; pass what is no text as bytes"
    found = unrepresentable(value)
    if found is None:
        # Of a number so long that Python does not even put it into a message.
        return TOO_LARGE if "integer string conversion" in str(error) else f"input has no canonical JSON: {error}"
    return (
        f"input holds {found}, which JSON cannot represent: "
        "pass None, bool, int, float, str, list, or dict by str; or bytes instead of the whole"
    )


def unrepresentable(value: Any) -> str | None:
    """Which type is none of JSON's, of a value that holds one and does not hold itself."""
    open_values = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            keys = [key for key in one if not isinstance(key, str)]
            if keys:
                return f"a key that is no text but {kind(keys[0])}"
            open_values.extend(one.values())
        elif isinstance(one, (list, tuple)):
            open_values.extend(one)
        elif one is not None and not isinstance(one, (bool, int, float, str)):
            return kind(one)
    return None


def kind(value: Any) -> str:
    name = type(value).__name__
    return f"bytes inside of other values ({name})" if isinstance(value, Bytes) else f"a value of type {name}"
