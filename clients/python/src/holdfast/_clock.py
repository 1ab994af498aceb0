"""Process time. Lease time is the database's, and comes as what is left of it."""

from __future__ import annotations

import threading
import time


class Clock:
    def monotonic(self) -> float:
        """Seconds from an arbitrary origin; never steps."""
        return time.monotonic()

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Whether the event was set within the seconds."""
        # Locks take no longer time than this, which is some hundred years.
        return event.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))
