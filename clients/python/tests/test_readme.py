"""What README.md shows."""

from __future__ import annotations

import re
import subprocess
import sys
import types
import uuid

import pytest
from servers import ROOT

import holdfast

README = (ROOT / "clients" / "python" / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def test_the_example_prints_what_it_says(address):
    # As printed, but for the address, and for the key: another test may have done this order.
    order = f"order-{uuid.uuid4()}"
    program = PYTHON[0].replace("127.0.0.1:7400", address).replace("order-42", order)
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    expected = next(text for language, text in BLOCKS if language == "")
    assert (run.stdout, run.stderr) == (expected.replace("order-42", order), "")


def test_the_block_does_the_same(hf, key):
    def charge(order, idempotency_key):
        return {"chargeId": idempotency_key}

    names = {"hf": hf, "order": {"id": key}, "charge": charge}
    exec(PYTHON[1], names)
    exec(PYTHON[1], names)
    assert names["attempt"].replayed


@pytest.mark.parametrize("line", PYTHON[2].splitlines())
def test_the_words_for_failures_are_exceptions(line):
    with pytest.raises(holdfast.AttemptFailure, match="busy"):
        exec(line, {"holdfast": holdfast, "error": ValueError("busy")})


def test_waiting_and_reconciling_do_what_they_say(hf, key, capsys):
    for name in (f"{key}-42", f"{key}-43"):
        hf.once("charge", name, input=1, work=lambda _: "charged")
    stripe = types.SimpleNamespace(find=lambda ref: None)
    exec(PYTHON[3].replace("order", key), {"hf": hf, "holdfast": holdfast, "stripe": stripe})
    assert capsys.readouterr().out == "charged\ncharged\n"
