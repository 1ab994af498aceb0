"""Who calls. Nothing that is raised here quotes a credential."""

from __future__ import annotations

import re
from collections.abc import Callable

from ._errors import TokenUnavailableError
from ._wire import UNAVAILABLE

Token = str | Callable[[], str]
"""A JWT, or what fetches one."""

BYTES_MAX = 12 * 1024
"""Servers take 16 KiB of headers in all."""
SENDABLE = f"1 to {BYTES_MAX} visible ASCII characters"
UNAUTHENTICATED = 16


class Credential:
    def __init__(self, api_key: str | None, token: Token | None) -> None:
        """Raises ValueError for what no header can carry, before a library says so and repeats it."""
        if api_key is not None and token is not None:
            raise ValueError("a client has an api_key or a token, not both")
        self._fetch = token if callable(token) else None
        self._fixed = api_key if api_key is not None else (None if callable(token) else token)
        if self._fixed is not None and not is_sendable(self._fixed):
            raise ValueError(f"{'token' if api_key is None else 'api_key'} must be {SENDABLE}")

    @property
    def is_any(self) -> bool:
        return self.is_fetched or self._fixed is not None

    @property
    def is_fetched(self) -> bool:
        """Whether another one may come when it is asked again."""
        return self._fetch is not None

    def get(self) -> str | None:
        """None when there is none. Raises TokenUnavailableError."""
        if self._fetch is None:
            return self._fixed
        try:
            fetched = self._fetch()
        except Exception as error:
            # Whoever issues tokens may be back soon, so the call is tried again as after any other lost connection.
            raise TokenUnavailableError("the token could not be fetched", UNAVAILABLE) from error
        if not is_sendable(fetched):
            raise TokenUnavailableError(f"the token that was fetched must be {SENDABLE}", UNAUTHENTICATED)
        return fetched


def is_sendable(value: object) -> bool:
    return isinstance(value, str) and len(value) <= BYTES_MAX and re.fullmatch("[!-~]+", value) is not None
