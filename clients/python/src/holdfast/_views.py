"""Records as they are shown. Times are of the database's clock, in UTC; those that a state does not have are None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

from ._content import decode_or_bytes
from .v1 import idempotency_pb2 as pb

RecordState = Literal["in-progress", "available", "completed", "failed", "outcome-unknown", "expired", "unspecified"]
""" "unspecified" is a state that this client does not know."""

STATES: dict[int, RecordState] = {
    pb.RECORD_STATE_IN_PROGRESS: "in-progress",
    pb.RECORD_STATE_AVAILABLE: "available",
    pb.RECORD_STATE_COMPLETED: "completed",
    pb.RECORD_STATE_FAILED: "failed",
    pb.RECORD_STATE_OUTCOME_UNKNOWN: "outcome-unknown",
    pb.RECORD_STATE_EXPIRED: "expired",
}


class Owner(NamedTuple):
    """Who works on a record; for people."""

    service: str
    instance: str


class Progress(NamedTuple):
    """How far the holder is, as it says itself."""

    fraction: float
    """0 to 1."""
    message: str


@dataclass(frozen=True)
class Checkpoint:
    """What an attempt left behind, for a later one to go on from."""

    name: str
    sequence: int
    data: Any
    """As it was given to `checkpoint()`; the stored bytes when they cannot be decoded."""
    content_type: str
    record_time: datetime | None


@dataclass(frozen=True)
class Record:
    """A record at an instant."""

    state: RecordState
    attempt: int
    """The newest counted attempt, from 1; 0 when there was none."""
    fence: int
    owner: Owner | None
    external_ref: str
    """What the holder noted about the outside world; may be empty."""
    metadata: Mapping[str, str]
    checkpoint: Checkpoint | None
    progress: Progress | None
    reconciling: bool
    """The lease is a reconciler's."""
    create_time: datetime | None
    attempt_start_time: datetime | None
    lease_expire_time: datetime | None
    """While in progress. Past: the lease has run out, and the record can be claimed."""
    due_time: datetime | None
    """While available: from when it can be claimed."""
    end_time: datetime | None
    """Once ended, as the next two."""
    result_expire_time: datetime | None
    tombstone_expire_time: datetime | None


UnknownReason = Literal["lease-expired", "reported", "store-restored", "unspecified"]

UNKNOWN_REASONS: dict[int, UnknownReason] = {
    pb.UNKNOWN_REASON_LEASE_EXPIRED: "lease-expired",
    pb.UNKNOWN_REASON_REPORTED: "reported",
    pb.UNKNOWN_REASON_STORE_RESTORED: "store-restored",
}


@dataclass(frozen=True)
class UnknownEvidence:
    """What is known of an attempt of which nobody knows how it went."""

    reason: UnknownReason
    since: datetime | None
    last_owner: Owner | None
    attempt: int
    last_checkpoint: Checkpoint | None
    external_ref: str


def view_record(record: pb.Record) -> Record:
    return Record(
        state=STATES.get(record.state, "unspecified"),
        attempt=record.attempt,
        fence=record.fence,
        owner=view_owner(record, "owner"),
        external_ref=record.external_ref,
        metadata=dict(record.metadata),
        checkpoint=view_checkpoint(record, "checkpoint"),
        progress=view_progress(record.progress) if record.HasField("progress") else None,
        reconciling=record.reconciling,
        create_time=view_time(record, "create_time"),
        attempt_start_time=view_time(record, "attempt_start_time"),
        lease_expire_time=view_time(record, "lease_expire_time"),
        due_time=view_time(record, "due_time"),
        end_time=view_time(record, "end_time"),
        result_expire_time=view_time(record, "result_expire_time"),
        tombstone_expire_time=view_time(record, "tombstone_expire_time"),
    )


def view_evidence(unknown: pb.OutcomeUnknown) -> UnknownEvidence:
    return UnknownEvidence(
        reason=UNKNOWN_REASONS.get(unknown.reason, "unspecified"),
        since=view_time(unknown, "since"),
        last_owner=view_owner(unknown, "last_owner"),
        attempt=unknown.attempt,
        last_checkpoint=view_checkpoint(unknown, "last_checkpoint"),
        external_ref=unknown.external_ref,
    )


def view_progress(progress: pb.Progress) -> Progress:
    return Progress(progress.fraction, progress.message)


def view_owner(message: Any, field: str) -> Owner | None:
    owner: pb.Owner = getattr(message, field)
    return Owner(owner.service, owner.instance) if message.HasField(field) else None


def view_time(message: Any, field: str) -> datetime | None:
    return getattr(message, field).ToDatetime(tzinfo=timezone.utc) if message.HasField(field) else None


def view_checkpoint(message: Any, field: str) -> Checkpoint | None:
    return show_checkpoint(getattr(message, field)) if message.HasField(field) else None


def show_checkpoint(checkpoint: pb.Checkpoint) -> Checkpoint:
    return Checkpoint(
        name=checkpoint.name,
        sequence=checkpoint.sequence,
        data=decode_or_bytes(checkpoint.data, checkpoint.content_type),
        content_type=checkpoint.content_type,
        record_time=view_time(checkpoint, "record_time"),
    )
