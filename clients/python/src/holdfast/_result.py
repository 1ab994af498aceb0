"""Results as they are stored."""

from __future__ import annotations

from typing import Any

from ._content import NOT_CODABLE, decode_content, encode_content
from ._limits import LABEL, RESULT_BYTES_MAX, cut_to_bytes
from ._outcomes import ResultUnavailableError
from .v1 import idempotency_pb2 as pb


def encode_result(value: Any) -> tuple[pb.Result, Exception | None]:
    """
    What to store for a value that the work returned, and why the value could not be encoded, if so.

    A value that cannot be stored ends the record all the same, with the reason in its place: the work is done, and that
    is what must not be lost. A failure would have it done again, and an unknown outcome would ask somebody to find out
    what is known.
    """
    try:
        data, content_type = encode_content(value)
    except Exception as error:
        # Any of them, for the value's own code runs here. Without the error's text: it may quote the value.
        return omitted_result(f"the result cannot be encoded: {type(error).__name__}"), error
    if len(data) > RESULT_BYTES_MAX:
        return omitted_result(f"the result has {len(data)} bytes, and {RESULT_BYTES_MAX} is the limit"), None
    return pb.Result(inline=data, content_type=content_type), None


def omitted_result(reason: str) -> pb.Result:
    return pb.Result(omitted_reason=cut_to_bytes(reason, LABEL[1]))


def decode_result(result: pb.Result, *, replayed: bool, value: Any = None, cause: Exception | None = None) -> Any:
    """
    Raises ResultUnavailableError when the record ended with something else than bytes that can be decoded.

    `value` and `cause` are of one's own work, which has just returned the one and met the other.
    """
    body = result.WhichOneof("body")
    if body == "reference":
        raise ResultUnavailableError("reference", result, "the result is kept elsewhere", replayed, value)
    if body != "inline":
        message = f"the result is not stored: {result.omitted_reason or 'it was not sent'}"
        raise ResultUnavailableError("omitted", result, message, replayed, value) from cause
    try:
        return decode_content(result.inline, result.content_type)
    except NOT_CODABLE as error:
        message = "the stored result cannot be decoded"
        raise ResultUnavailableError("unreadable", result, message, replayed, value) from error
