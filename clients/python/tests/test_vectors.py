"""What every client does alike: conformance/vectors of the repository, through the driver that the runner talks to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from servers import ROOT

VECTORS = ROOT / "conformance" / "vectors"
pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason="left out: these tests are not in the repository")


class Driver:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._calls = 0

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        self._calls += 1
        self._process.stdin.write(json.dumps({"id": self._calls, "op": op, **fields}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer.pop("id") == self._calls
        return answer


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    command = [sys.executable, "-m", "holdfast.conformance"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Driver(process)
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def vectors(file: str) -> list[Any]:
    path = VECTORS / file
    entries = json.loads(path.read_text()) if path.exists() else []
    return [pytest.param(entry, id=entry.get("name", entry.get("provider", ""))[:60]) for entry in entries]


def pick(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


@pytest.mark.parametrize("entry", vectors("fingerprints.json"))
def test_fingerprints(driver, entry):
    answer = driver.ask("fingerprint", **pick(entry, "json", "base64"))
    if entry.get("refused"):
        assert answer["error"]["error"] == "InvalidInput"
    else:
        assert answer["ok"] == {"canonical": None, **pick(entry, "algorithm", "digest", "canonical")}


@pytest.mark.parametrize("entry", vectors("keys.json"))
def test_keys_for_providers(driver, entry):
    answer = driver.ask("derive-key", **pick(entry, "tenant", "scope", "key", "provider"))
    assert answer == {"ok": pick(entry, "derived", "uuid")}


@pytest.mark.parametrize("entry", vectors("retries.json"))
def test_retries(driver, entry):
    answer = driver.ask("retry", **pick(entry, "code", "reason", "retryAfterMs"))
    assert answer == {"ok": pick(entry, "again", "leastDelayMs")}


@pytest.mark.parametrize("lease", [False, True], ids=["", "lease"])
@pytest.mark.parametrize("entry", vectors("errors.json"))
def test_errors(driver, entry, lease):
    names = ("code", "reason", "retryAfterMs", "violations")
    told = driver.ask("error", **pick(entry, *names), lease=lease)["ok"]
    is_lost = lease and "lease" in entry
    assert told["error"] == (entry["lease"] if is_lost else entry["error"])
    assert told.get("why") == (entry["why"] if is_lost else None)
    assert pick(told, *names) == pick(entry, *names)


def test_says_who_it_is_and_what_it_does_not_know(driver):
    assert driver.ask("hello")["ok"]["client"] == "holdfast-python"
    assert driver.ask("no-such-thing")["error"]["error"] == "Unsupported"
