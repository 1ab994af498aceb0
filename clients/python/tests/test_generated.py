from __future__ import annotations

import subprocess
import sys

import pytest
from servers import ROOT


def test_what_is_generated_is_what_proto_says():
    pytest.importorskip("grpc_tools", reason="left out: there is no grpcio-tools; pip install -e '.[dev]'")
    script = ROOT / "clients" / "python" / "scripts" / "generate.py"
    run = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
