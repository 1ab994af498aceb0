from __future__ import annotations

import math
from datetime import timedelta

import pytest

import holdfast
from holdfast import FieldInvalidError, ResultUnavailableError
from holdfast._content import decode_content, encode_content
from holdfast._errors import HoldfastError
from holdfast._failure import classify, to_status
from holdfast._limits import SCOPE, check_metadata, check_text, cut_to_bytes, to_duration, to_timeout
from holdfast._reasons import REASONS
from holdfast._result import decode_result, encode_result
from holdfast.v1 import errors_pb2
from holdfast.v1 import idempotency_pb2 as pb


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"b": [1, 2.5, None, True], "a": "\u20ac"}, '{"b":[1,2.5,null,true],"a":"\u20ac"}'.encode()),
        (None, b"null"),
        (2**70, b"1180591620717411303424"),
        ("\ud800", b'"\\ud800"'),
    ],
)
def test_stores_json_that_every_language_reads(value, stored):
    assert encode_content(value) == (stored, "application/json")
    assert decode_content(stored, "application/json") == value


def test_stores_bytes_as_they_are_and_reads_what_others_store():
    assert encode_content(bytearray(b"\x00\xff")) == (b"\x00\xff", "application/octet-stream")
    assert decode_content(b"\x00\xff", "") == b"\x00\xff"
    assert decode_content(b"", "application/json") is None
    assert decode_content(b"[1]", "application/problem+json; charset=utf-8") == [1]


@pytest.mark.parametrize(
    ("data", "content_type"), [(b"NaN", "application/json"), (b"\xff", "application/json"), (b"x", "text/plain")]
)
def test_says_so_when_a_stored_result_cannot_be_read(data, content_type):
    with pytest.raises(ResultUnavailableError) as caught:
        decode_result(pb.Result(inline=data, content_type=content_type), replayed=True)
    assert caught.value.why == "unreadable"


def test_ends_the_record_with_a_reason_for_a_result_that_cannot_be_stored():
    result, cause = encode_result({"secret", 1})
    assert result.omitted_reason == "the result cannot be encoded: TypeError"
    assert isinstance(cause, TypeError)
    result, cause = encode_result(b"x" * (1024 * 1024 + 1))
    assert result.omitted_reason == "the result has 1048577 bytes, and 1048576 is the limit"
    with pytest.raises(ResultUnavailableError, match="1048576 is the limit") as caught:
        decode_result(result, replayed=False, value="large")
    assert (caught.value.why, caught.value.value) == ("omitted", "large")
    with pytest.raises(ResultUnavailableError) as kept:
        decode_result(pb.Result(reference=pb.ResultReference(uri="s3://x")), replayed=True)
    assert kept.value.why == "reference"


@pytest.mark.parametrize("text", ["", "x" * 129, "\u20ac" * 43, "a\0b", "\ud800", 1])
def test_refuses_text_that_no_server_would_take_and_names_the_field(text):
    with pytest.raises(FieldInvalidError, match=r"key\.scope must be 1 to 128 bytes of well-formed text") as caught:
        check_text("key.scope", text, SCOPE)
    assert caught.value.violations[0].field == "key.scope"


@pytest.mark.parametrize("metadata", [{"a": "x" * 4096}, {"a": "\udfff"}, {"a": 1}])
def test_refuses_metadata_that_no_server_would_take(metadata):
    with pytest.raises(FieldInvalidError, match="metadata must be"):
        check_metadata(metadata)


def test_takes_times_as_seconds_or_as_a_timedelta():
    assert to_duration("lease", 1.5).ToMilliseconds() == 1500
    assert to_duration("lease", timedelta(minutes=1)).seconds == 60
    assert to_timeout(None) == math.inf
    for wrong in (math.nan, math.inf, "5", True):
        with pytest.raises(FieldInvalidError, match="lease must be"):
            to_duration("lease", wrong)
    with pytest.raises(FieldInvalidError, match="timeout must be seconds from 0"):
        to_timeout(-1)


def test_cuts_a_text_at_a_whole_character():
    assert cut_to_bytes("a\u20ac\u20ac", 6) == "a\u20ac"
    assert cut_to_bytes("\ud800x", 6) == "?x"


def test_says_what_an_error_without_a_word_means_and_keeps_what_is_said():
    assert classify(ValueError("x"), "reacquire").kind == "retryable"
    assert classify(ValueError("x"), "hold").kind == "outcome-unknown"
    said = holdfast.not_started("busy", delay=timedelta(seconds=2))
    assert classify(said, "hold") is said
    assert (said.kind, said.delay, to_status(said).message) == ("not-started", 2, "busy")
    assert to_status(holdfast.terminal(KeyError("k"), code=9)).message == "KeyError: 'k'"
    assert len(to_status(holdfast.terminal("\u20ac" * 10_000)).message.encode()) <= 16 * 1024


def test_has_a_class_for_each_reason_of_the_service():
    names = {name.removeprefix("ERROR_REASON_") for name, _ in errors_pb2.ErrorReason.items()} - {"UNSPECIFIED"}
    assert set(REASONS) == names
    assert all(issubclass(kind, HoldfastError) for kind in REASONS.values())
    assert all(getattr(holdfast, kind.__name__) is kind for kind in REASONS.values())
