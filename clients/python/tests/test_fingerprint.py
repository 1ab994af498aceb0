from __future__ import annotations

import hashlib
import sys
from datetime import date
from decimal import Decimal

import pytest

from holdfast import HoldfastError, InvalidInputError, canonical_json, fingerprint


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "[333333333.3333333,1e+30,4.5,0.002,1e-27]"),
        ([1e20, 1e21, 1e-6, 1e-7], "[100000000000000000000,1e+21,0.000001,1e-7]"),
        ([5e-324, 1.7976931348623157e308], "[5e-324,1.7976931348623157e+308]"),
        ([0, -0.0, 1.0, True, None], "[0,0,1,true,null]"),
        ([2**53 - 1, float(2**53), -(2**53) + 1], "[9007199254740991,9007199254740992,-9007199254740991]"),
        ("\u20ac$\u000f\nA'B\"\\\\\"/", '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7},
         '{"\\r":2,"1":4,"\x80":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'),
        ((1, ("a",)), '[1,["a"]]'),
    ],
)  # fmt: skip
def test_writes_the_canonical_json_of_rfc_8785(value, text):
    assert canonical_json(value) == text


def test_hashes_the_canonical_json_and_bytes_as_they_are():
    assert fingerprint({"b": 1, "a": 2.0}) == ("jcs-sha256", hashlib.sha256(b'{"a":2,"b":1}').digest())
    for data in (b"abc", bytearray(b"abc"), memoryview(b"abc")):
        assert fingerprint(data) == ("sha256", hashlib.sha256(b"abc").digest())


cycle: list[object] = []
cycle.append(cycle)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "NaN or an infinity"),
        ({"a": [float("-inf")]}, "NaN or an infinity"),
        (2**53, r"pass it as str\(number\), or as float\(number\)"),
        ([-(2**53)], "whole number beyond"),
        pytest.param(10**5000, "whole number beyond", id="a number of 5000 digits"),
        ({1, 2}, "a value of type set"),
        ({"when": date(2026, 1, 1)}, "a value of type date"),
        ([Decimal("1.5")], "a value of type Decimal"),
        ({"deep": [b"x"]}, "bytes inside of other values"),
        ({1: 2}, "a key that is no text but a value of type int"),
        (cycle, "holds itself, or is nested too deeply"),
        ("\ud800", "a lone surrogate"),
        ({"\udc00": 1}, "a lone surrogate"),
        (object(), "a value of type object"),
    ],
)
def test_refuses_what_has_no_canonical_json_and_says_what_to_do(value, says):
    with pytest.raises(InvalidInputError, match=says) as caught:
        fingerprint(value)
    assert isinstance(caught.value, (HoldfastError, ValueError))
    assert caught.value.reason == "INVALID_INPUT"


def test_refuses_what_nests_deeper_than_python_can_follow():
    deep: object = None
    for _ in range(sys.getrecursionlimit() + 10):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        fingerprint(deep)


def test_says_what_to_do_with_a_view_that_has_gaps():
    view = memoryview(b"abcd")
    assert fingerprint(view) == fingerprint(b"abcd")
    with pytest.raises(InvalidInputError, match=r"pass bytes\(view\)"):
        fingerprint(view[::2])
    view.release()
    with pytest.raises(InvalidInputError, match=r"pass bytes\(view\)"):
        fingerprint(view)
