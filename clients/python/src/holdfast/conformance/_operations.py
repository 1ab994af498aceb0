"""The operations of the protocol."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import holdfast
from holdfast._keys import provider_key

from ._errors import NamedError, describe_error, error_of, retry_of
from ._values import given, parse, told
from ._work import Fields, PlayedJudge, PlayedWork, checkpoint_of

FEATURES = ["fingerprint", "keys", "retry", "errors", "once", "wait-for", "result", "reconcile", "cancel"]
TIMES = {
    "leaseMs": "lease",
    "timeoutMs": "timeout",
    "resultRetentionMs": "result_retention",
    "tombstoneRetentionMs": "tombstone_retention",
}
NAMES = {"onLeaseExpiry": "on_lease_expiry", "maxAttempts": "max_attempts", "reuse": "reuse", "mustExist": "must_exist"}
RETRY = {"tryTimeoutMs": "try_timeout", "totalTimeoutMs": "total_timeout"}


class Operations:
    def __init__(self, write: Callable[[Fields], None]) -> None:
        self._write = write
        self._clients: dict[str, holdfast.Client] = {}
        self._open: dict[int, threading.Event] = {}
        self._playing: dict[int, PlayedWork | PlayedJudge] = {}

    def begin(self, call: int, op: str, fields: Fields) -> Callable[[], Fields] | Fields:
        """
        The answer, or what waits for it, to be run in a thread of its own. In the order of the requests: a call can be
        cancelled by the next one. Raises what there is to answer instead.
        """
        short: dict[str, Callable[[Fields], Fields]] = {
            "hello": hello,
            "fingerprint": fingerprint_of,
            "derive-key": derive_key,
            "retry": retry_of,
            "error": error_of,
            "open": self._open_client,
            "cancel": self._cancel,
        }
        long: dict[str, Callable[[int, Fields, threading.Event], Fields]] = {
            "once": self._once,
            "wait-for": self._wait_for,
            "result": self._result,
            "reconcile": self._reconcile,
            "close": self._close_client,
            "step": self._step,
        }
        if op in short:
            return short[op](fields)
        if op not in long:
            raise NamedError("Unsupported", f'no operation "{op}"')
        cancel = self._open[call] = threading.Event()

        def run() -> Fields:
            try:
                return long[op](call, fields, cancel)
            finally:
                self._open.pop(call, None)
                self._playing.pop(call, None)

        return run

    def _open_client(self, fields: Fields) -> Fields:
        retry = {RETRY[name]: fields[name] / 1000 for name in RETRY if fields.get(name) is not None}
        self._clients[fields["client"]] = holdfast.connect(
            *fields["addresses"],
            tenant=fields.get("tenant") or "",
            api_key=fields.get("apiKey"),
            service=fields.get("service") or "",
            retry=holdfast.RetryPolicy(**retry),
        )
        return {}

    def _close_client(self, _: int, fields: Fields, __: threading.Event) -> Fields:
        self._clients.pop(fields["client"]).close()
        return {}

    def _cancel(self, fields: Fields) -> Fields:
        if fields["call"] in self._open:
            self._open[fields["call"]].set()
        return {}

    def _step(self, _: int, fields: Fields, __: threading.Event) -> Fields:
        played = self._playing.get(fields["call"])
        if played is None:
            raise NamedError("Unsupported", f"call {fields['call']} runs no work")
        return played.step(fields)

    def _once(self, call: int, fields: Fields, cancel: threading.Event) -> Fields:
        def work(attempt: holdfast.Attempt) -> Any:
            played = self._playing[call] = PlayedWork(attempt)
            told_of = {"attempt": attempt.number, "fence": str(attempt.fence), "reason": attempt.reason}
            checkpoint = checkpoint_of(attempt.last_checkpoint)
            self._write({"event": "work", "call": call, **told_of, "checkpoint": checkpoint})
            return played.run()

        scope, key, input_ = fields["scope"], fields["key"], parse(fields["input"])
        client = self._clients[fields["client"]]
        once = client.once(scope, key, input=input_, work=work, cancel=cancel, **options_of(fields))
        return {**told(once.value), "replayed": once.replayed, "attempt": once.attempt}

    def _wait_for(self, call: int, fields: Fields, cancel: threading.Event) -> Fields:
        targets = [(target["scope"], target["key"]) for target in fields["targets"]]
        client = self._clients[fields["client"]]
        for event in client.wait_for(targets, cancel=cancel, **options_of(fields)):
            nothing = {"state": None, "end": None, "value": None}
            self._write({"event": "wait", "call": call, "index": event.index, **nothing, **show_event(event)})
        return {}

    def _result(self, _: int, fields: Fields, cancel: threading.Event) -> Fields:
        client = self._clients[fields["client"]]
        return told(client.result(fields["scope"], fields["key"], cancel=cancel, **options_of(fields)))

    def _reconcile(self, call: int, fields: Fields, cancel: threading.Event) -> Fields:
        def judge(unknown: holdfast.UnknownOutcome) -> holdfast.Verdict:
            played = self._playing[call] = PlayedJudge()
            left = {"externalRef": unknown.external_ref, "checkpoint": checkpoint_of(unknown.last_checkpoint)}
            self._write({"event": "judge", "call": call, **left})
            return played.run()

        client = self._clients[fields["client"]]
        options = {"cancel": cancel, **options_of(fields)}
        found = client.reconcile(fields["scope"], fields["key"], judge=judge, **options)
        kind = "contended" if found.kind == "superseded" else found.kind
        return {**(told(found.value) if kind == "completed" else {"value": None}), "kind": kind}


def options_of(fields: Fields) -> dict[str, Any]:
    times = {TIMES[name]: fields[name] / 1000 for name in TIMES if fields.get(name) is not None}
    return {**times, **{NAMES[name]: fields[name] for name in NAMES if fields.get(name) is not None}}


def show_event(event: holdfast.AnyEvent) -> Fields:
    if isinstance(event, holdfast.SnapshotEvent):
        return {"kind": "state", "state": "absent" if event.record is None else event.record.state}
    if isinstance(event, holdfast.OutcomeUnknownEvent):
        return {"kind": "state", "state": "outcome-unknown"}
    if isinstance(event, holdfast.ProgressEvent):
        return {"kind": "progress", **event.progress._asdict()}
    if isinstance(event, holdfast.CheckpointEvent):
        return {"kind": "checkpoint", **told(event.checkpoint.data)}
    if isinstance(event, holdfast.LeaseChangedEvent):
        return {"kind": "lease", "change": event.change, "attempt": event.attempt}
    if event.error is None:
        return {"kind": "ended", "end": "completed", **told(event.value)}
    end = "completed" if event.end == "result-unavailable" else event.end
    return {"kind": "ended", "end": end, "error": describe_error(event.error)}


def hello(_: Fields) -> Fields:
    try:
        own = version("holdfast")
    except PackageNotFoundError:
        own = "of the sources"
    language = f"python {platform.python_version()}"
    return {"client": "holdfast-python", "version": own, "language": language, "features": FEATURES}


def fingerprint_of(fields: Fields) -> Fields:
    is_bytes = fields.get("json") is None
    value = given(fields) if is_bytes else parse(fields["json"])
    algorithm, digest = holdfast.fingerprint(value)
    canonical = None if is_bytes else holdfast.canonical_json(value)
    return {"algorithm": algorithm, "digest": digest.hex(), "canonical": canonical}


def derive_key(fields: Fields) -> Fields:
    record = (fields["tenant"], fields["scope"], fields["key"])
    return {
        "derived": provider_key(record, fields["provider"]),
        "uuid": provider_key(record, fields["provider"], "uuid"),
    }
