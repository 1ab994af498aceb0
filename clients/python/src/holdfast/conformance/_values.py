"""Values as the protocol tells them."""

from __future__ import annotations

import base64
import json
from typing import Any, NoReturn

import holdfast

from ._errors import NamedError

SAFE = 2**53 - 1


def parse(text: str) -> Any:
    """As JSON.parse reads it: a number is the double that is nearest to what is written."""
    try:
        return json.loads(text, parse_int=number, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NamedError("InvalidInput", str(error)) from error


def number(text: str) -> int | float:
    double = float(text)
    return int(text) if abs(double) <= SAFE else double


def refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def given(fields: dict[str, Any]) -> Any:
    """What a request carries: a JSON text, bytes, or nothing."""
    if fields.get("base64") is not None:
        return base64.b64decode(fields["base64"])
    return None if fields.get("value") is None else parse(fields["value"])


def told(value: Any) -> dict[str, Any]:
    """What a caller has got."""
    if isinstance(value, bytes):
        return {"value": None, "base64": base64.b64encode(value).decode()}
    return {"value": holdfast.canonical_json(value)}
