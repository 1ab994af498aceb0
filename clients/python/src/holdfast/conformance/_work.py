"""The work of one call, which the runner does step by step."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import holdfast

from ._errors import NamedError, describe_error
from ._values import given, parse, told

Fields = dict[str, Any]
KINDS: dict[str, Callable[..., Exception]] = {
    "retryable": holdfast.retryable,
    "terminal": holdfast.terminal,
    "outcome-unknown": holdfast.outcome_unknown,
    "not-started": holdfast.not_started,
}


class PlayedWork:
    def __init__(self, attempt: holdfast.Attempt) -> None:
        self._attempt = attempt
        self._end: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()

    def run(self) -> Any:
        """Returns or raises what the runner says, when it does."""
        return self._end.get()()

    def step(self, fields: Fields) -> Fields:
        attempt, do = self._attempt, fields["do"]
        if do == "return":
            value = given(fields)
            self._end.put(lambda: value)
        elif do == "throw":
            failure = failure_of(fields)
            self._end.put(lambda: throw(failure))
        elif do == "checkpoint":
            attempt.checkpoint(parse(fields["data"]), name=fields.get("name") or "")
        elif do == "progress":
            attempt.progress(fields["fraction"], fields.get("message") or "")
        elif do == "external-ref":
            attempt.set_external_ref(fields["ref"])
        elif do == "derive-key":
            provider = fields["provider"]
            return {"derived": attempt.key_for(provider), "uuid": attempt.key_for(provider, "uuid")}
        elif do == "await-lost":
            attempt.lost.wait()
            reason = describe_error(attempt.lost.reason or NamedError("Bug", "lost without a reason"))
            return {"why": reason.get("why", reason["error"])}
        else:
            raise NamedError("Unsupported", f'no step "{do}" of work')
        return {}


class PlayedJudge:
    def __init__(self) -> None:
        self._end: queue.SimpleQueue[holdfast.Verdict] = queue.SimpleQueue()

    def run(self) -> holdfast.Verdict:
        return self._end.get()

    def step(self, fields: Fields) -> Fields:
        if fields["do"] != "verdict":
            raise NamedError("Unsupported", f'no step "{fields["do"]}" of a judge')
        self._end.put(verdict_of(fields))
        return {}


def throw(failure: Exception) -> Any:
    raise failure


def failure_of(fields: Fields) -> Exception:
    error = NamedError("Work", fields.get("message") or "")
    kind = fields.get("kind")
    return error if kind is None else KINDS[kind](error, **delay_of(fields))


def verdict_of(fields: Fields) -> holdfast.Verdict:
    verdict = fields["verdict"]
    if verdict == "done":
        return holdfast.Verdict.done(given(fields))
    if verdict == "failed":
        return holdfast.Verdict.failed(NamedError("Work", fields.get("message") or ""))
    if verdict == "not-started":
        return holdfast.Verdict.not_started(**delay_of(fields))
    if verdict == "retry":
        return holdfast.Verdict.retry(**delay_of(fields))
    if verdict == "unknown":
        return holdfast.Verdict.unknown()
    raise NamedError("Unsupported", f'no verdict "{verdict}"')


def delay_of(fields: Fields) -> dict[str, float]:
    return {} if fields.get("delayMs") is None else {"delay": fields["delayMs"] / 1000}


def checkpoint_of(checkpoint: holdfast.Checkpoint | None) -> str | None:
    return None if checkpoint is None else told(checkpoint.data)["value"]
