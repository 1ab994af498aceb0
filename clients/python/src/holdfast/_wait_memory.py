"""What the reader of a wait has been told of one target, over however many streams."""

from __future__ import annotations

from typing import Any

from ._events import (
    AnyEvent,
    CheckpointEvent,
    EndedEvent,
    LeaseChangedEvent,
    OutcomeUnknownEvent,
    ProgressEvent,
    SnapshotEvent,
    Target,
    view_event,
)
from ._views import Checkpoint, Record
from .v1 import idempotency_pb2 as pb

Known = dict[str, Any]
"""What a snapshot would say, as far as it follows from what was told. A field that is left out is not known."""

STATE_AFTER = {
    "lapsed": "in-progress",
    "taken-over": "in-progress",
    "released": "available",
    "retry-scheduled": "available",
    "unspecified": "unspecified",
}


class WaitMemory:
    """
    A stream begins with what is, and behind the snapshot it tells that a lease has run out, or that a due time has
    come. Of a stream that takes the place of another one that is a repetition, unless it says otherwise than what is
    known.
    """

    def __init__(self, target: Target, index: int, *, include_result: bool) -> None:
        self.has_ended = False
        self._of = (target, index)
        self._include_result = include_result
        self._known: Known | None = None
        self._last_change: tuple[Any, ...] | None = None

    def take(self, message: pb.WaitForResponse) -> AnyEvent | None:
        """What there is to show of a message; None when the reader knows it, or there is nothing to show."""
        event = view_event(message, *self._of, include_result=self._include_result)
        if event is None:
            return None
        before, self._known = self._known, known_after(self._known, event)
        self.has_ended = self.has_ended or isinstance(event, EndedEvent)
        if isinstance(event, SnapshotEvent) and before is not None and not is_news(before, event.record):
            return None
        change = change_of(event)
        is_repeated = change is not None and change == self._last_change
        self._last_change = change
        return None if is_repeated else event


def is_news(before: Known, record: Record | None) -> bool:
    # The end comes next, and says it all.
    if record is not None and record.end_time is not None:
        return False
    seen = known_by(record)
    return any(name not in seen or seen[name] != value for name, value in before.items())


def known_after(before: Known | None, event: AnyEvent) -> Known:
    told = before or {"state": "in-progress"}
    if isinstance(event, SnapshotEvent):
        return known_by(event.record)
    if isinstance(event, ProgressEvent):
        return {**told, "progress": event.progress}
    if isinstance(event, CheckpointEvent):
        return {**told, "checkpoint": identity(event.checkpoint)}
    if isinstance(event, LeaseChangedEvent):
        # The same lease has only run out; another one leaves nothing as it was but the checkpoint.
        kept = (before or {}) if event.change == "lapsed" else checkpoint_of(before)
        return {**kept, "state": STATE_AFTER[event.change], "attempt": event.attempt}
    if isinstance(event, OutcomeUnknownEvent):
        return {**checkpoint_of(before), "state": "outcome-unknown", "attempt": event.evidence.attempt}
    return {"state": "completed"}


def known_by(record: Record | None) -> Known:
    if record is None:
        return {"state": "absent"}
    return {
        "state": record.state,
        "attempt": record.attempt,
        "fence": record.fence,
        "external_ref": record.external_ref,
        "reconciling": record.reconciling,
        "progress": record.progress,
        "checkpoint": identity(record.checkpoint),
    }


def checkpoint_of(known: Known | None) -> Known:
    return {name: value for name, value in (known or {}).items() if name == "checkpoint"}


def identity(checkpoint: Checkpoint | None) -> tuple[Any, ...] | None:
    """After a reset the same sequence is another checkpoint."""
    return None if checkpoint is None else (checkpoint.sequence, checkpoint.record_time)


def change_of(event: AnyEvent) -> tuple[Any, ...] | None:
    """What the server may tell again of the same lease; None for what it tells once."""
    if isinstance(event, LeaseChangedEvent):
        return (event.change, event.attempt, event.due_time)
    if isinstance(event, OutcomeUnknownEvent):
        return ("unknown", event.evidence.attempt, event.evidence.since)
    return None
