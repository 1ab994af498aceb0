"""What is told of a record that is waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from ._errors import AnswerIncompleteError, HoldfastError, InvalidInputError
from ._fingerprint import Fingerprint, fingerprint
from ._limits import KEY, SCOPE, TENANT, check_text
from ._outcomes import ExpiredError, FailedError, ResultUnavailableError
from ._result import decode_result
from ._views import (
    Checkpoint,
    Owner,
    Progress,
    Record,
    UnknownEvidence,
    show_checkpoint,
    view_evidence,
    view_owner,
    view_progress,
    view_record,
    view_time,
)
from .v1 import idempotency_pb2 as pb

NOTHING: Any = object()
"""None is an input."""


@dataclass(frozen=True)
class Target:
    """A record to wait for. With an `input` or a `fingerprint`, a record of other work is FingerprintMismatchError."""

    scope: str
    key: str
    tenant: str | None = None
    """Default: the client's."""
    input: Any = field(default=NOTHING, repr=False)
    """What the work is done from, as it is given to `once`."""
    fingerprint: Fingerprint | None = None
    """The same as `fingerprint(input)` gives it, for who does not have the input. Not together with `input`."""

    def to_message(self, tenant: str) -> pb.WaitTarget:
        """Raises FieldInvalidError or InvalidInputError for what no server would take."""
        named = check_text("tenant", tenant if self.tenant is None else self.tenant, TENANT)
        scope, key = check_text("key.scope", self.scope, SCOPE), check_text("key.key", self.key, KEY)
        message = pb.WaitTarget(key=pb.RecordKey(tenant=named, scope=scope, key=key))
        if self.input is not NOTHING and self.fingerprint is not None:
            raise InvalidInputError("a target has an input or a fingerprint, not both")
        known = self.fingerprint if self.input is NOTHING else fingerprint(self.input)
        if known is not None:
            message.fingerprint.algorithm, message.fingerprint.digest = known
        return message


@dataclass(frozen=True)
class Event:
    target: Target
    index: int
    """The target's place among the targets, from 0."""


@dataclass(frozen=True)
class SnapshotEvent(Event):
    """As the record is when the wait begins; again when the stream was renewed and the record had changed meanwhile."""

    kind: ClassVar[Literal["snapshot"]] = "snapshot"
    record: Record | None
    """None: there is no such record yet."""


@dataclass(frozen=True)
class ProgressEvent(Event):
    """The holder said how far it is."""

    kind: ClassVar[Literal["progress"]] = "progress"
    progress: Progress


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """The holder stored a checkpoint."""

    kind: ClassVar[Literal["checkpoint"]] = "checkpoint"
    checkpoint: Checkpoint


LeaseChange = Literal["lapsed", "taken-over", "released", "retry-scheduled", "unspecified"]
"""
lapsed: the lease ran out, and nobody has taken over yet; taken-over: another attempt has begun; released: the record
can be claimed; retry-scheduled: it can be claimed from a due time on; unspecified: a change that this client does not
know.
"""

CHANGES: dict[int, LeaseChange] = {
    pb.LeaseChanged.KIND_LAPSED: "lapsed",
    pb.LeaseChanged.KIND_TAKEN_OVER: "taken-over",
    pb.LeaseChanged.KIND_RELEASED: "released",
    pb.LeaseChanged.KIND_RETRY_SCHEDULED: "retry-scheduled",
}


@dataclass(frozen=True)
class LeaseChangedEvent(Event):
    kind: ClassVar[Literal["lease-changed"]] = "lease-changed"
    change: LeaseChange
    attempt: int
    """Which attempt it concerns."""
    owner: Owner | None
    due_time: datetime | None
    """retry-scheduled: from when the record can be claimed."""


@dataclass(frozen=True)
class OutcomeUnknownEvent(Event):
    """Nobody knows whether the work was done. Not the end: a reconciler, or the attempt itself, may yet say."""

    kind: ClassVar[Literal["outcome-unknown"]] = "outcome-unknown"
    evidence: UnknownEvidence


@dataclass(frozen=True)
class EndedEvent(Event):
    """Nothing more is told of this target."""

    kind: ClassVar[Literal["ended"]] = "ended"
    end: Literal["completed", "result-unavailable", "failed", "expired"]
    value: Any
    """What the work returned, if completed; None with `include_result=False`."""
    error: HoldfastError | None
    """ResultUnavailableError, FailedError or ExpiredError; None if completed."""

    def result(self) -> Any:
        """The value, as a replay would return it. Raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


AnyEvent = SnapshotEvent | ProgressEvent | CheckpointEvent | LeaseChangedEvent | OutcomeUnknownEvent | EndedEvent


def view_event(message: pb.WaitForResponse, target: Target, index: int, *, include_result: bool) -> AnyEvent | None:
    """
    What there is to show of a message; None when there is nothing. Raises AnswerIncompleteError for an unknown end.
    """
    of = (target, index)
    event = message.WhichOneof("event")
    if event == "snapshot":
        has_record = message.snapshot.HasField("record")
        return SnapshotEvent(*of, view_record(message.snapshot.record) if has_record else None)
    if event == "progress":
        return ProgressEvent(*of, view_progress(message.progress))
    if event == "checkpoint":
        return CheckpointEvent(*of, show_checkpoint(message.checkpoint))
    if event == "lease_changed":
        changed = message.lease_changed
        change = CHANGES.get(changed.kind, "unspecified")
        due_time = view_time(changed, "due_time")
        return LeaseChangedEvent(*of, change, changed.attempt, view_owner(changed, "owner"), due_time)
    if event == "outcome_unknown":
        return OutcomeUnknownEvent(*of, view_evidence(message.outcome_unknown))
    return view_end(message.ended, of, include_result=include_result) if event == "ended" else None


def view_end(ended: pb.Ended, of: tuple[Target, int], *, include_result: bool) -> EndedEvent:
    detail = ended.WhichOneof("detail")
    if detail == "completed" and not include_result:
        return EndedEvent(*of, "completed", None, None)
    if detail == "completed" and ended.completed.HasField("result"):
        try:
            return EndedEvent(*of, "completed", decode_result(ended.completed.result, replayed=True), None)
        except ResultUnavailableError as error:
            return EndedEvent(*of, "result-unavailable", None, error)
    if detail == "failed":
        return EndedEvent(*of, "failed", None, FailedError(ended.failed))
    if detail == "expired":
        return EndedEvent(*of, "expired", None, ExpiredError(ended.expired))
    raise AnswerIncompleteError("an end without saying which")
