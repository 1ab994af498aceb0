"""python -m holdfast.conformance: one JSON object per line, from standard input and to standard output."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from ._errors import describe_error
from ._operations import Operations


def main() -> None:
    lock = threading.Lock()

    def write(line: dict[str, Any]) -> None:
        with lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    operations = Operations(write)

    def answer(number: int, begin: Callable[[], dict[str, Any]]) -> None:
        try:
            ok = begin()
        except Exception as error:
            write({"id": number, "error": describe_error(error)})
        else:
            write({"id": number, "ok": ok})

    def take(request: dict[str, Any]) -> None:
        number = request.pop("id")
        try:
            begun = operations.begin(number, request.pop("op"), request)
        except Exception as error:
            write({"id": number, "error": describe_error(error)})
            return
        if callable(begun):
            # It may wait for what a later line says.
            threading.Thread(target=answer, args=(number, begun), daemon=True).start()
        else:
            write({"id": number, "ok": begun})

    for line in sys.stdin:
        take(json.loads(line))
    # Whatever is open; threads that wait for a server would hold up the end.
    os._exit(0)


if __name__ == "__main__":
    main()
