"""A real server to test against."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NODE_LEAST = 24


def node() -> str | None:
    """The repository's own, or that of the machine if it is new enough."""
    for found in (shutil.which("node", path=str(ROOT / "node_modules" / ".bin")), shutil.which("node")):
        if found is None:
            continue
        version = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30).stdout
        if version.startswith("v") and int(version[1:].split(".")[0]) >= NODE_LEAST:
            return found
    return None


@contextmanager
def serving(program: str) -> Iterator[str]:
    """`holdfast serve` on a free port, with a database of its own that goes with it."""
    with tempfile.TemporaryDirectory() as data:
        arguments = ["--data-dir", data, "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
        # How busy the machine is must not decide a test.
        always = ["--log-format", "json", "--max-event-loop-delay", "off"]
        server = subprocess.Popen(
            [program, "src/main.ts", "serve", *arguments, *always],
            cwd=ROOT,
            # A variable of the developer's own must not decide a test.
            env={name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield listening_at(server)
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)


def listening_at(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    lines = []
    for line in server.stdout:
        lines.append(line)
        told = json.loads(line)
        if told.get("message") == "listening":
            return str(told["grpc"])
    raise AssertionError(f"the server has ended: {''.join(lines)}")
