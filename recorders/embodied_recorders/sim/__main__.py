"""The robot for `process.start`: options on the first line of stdin, readiness on stdout, end with stdin."""

from __future__ import annotations

import json
import os
import sys
import threading

from embodied_kit.errors import EmbodiedKitError
from embodied_recorders.sim.options import from_json
from embodied_recorders.sim.run import run

STDIN = 0


def main() -> int:
    """Run the robot that the parent asks for."""
    options = from_json(_line())
    stop = threading.Event()
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()
    try:
        return run(options, stop=stop, on_ready=_ready)
    except EmbodiedKitError as error:
        print(f"{error.message}\n  -> {error.remedy}" if error.remedy else error.message, file=sys.stderr)
        return error.exit_code


def _ready(epoch_ns: int) -> None:
    print(json.dumps({"epoch_ns": str(epoch_ns)}), flush=True)


def _line() -> bytes:
    """First line of stdin, unbuffered: a thread that holds a buffer's lock would break the interpreter's end."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(STDIN, 1)):
        line += byte
    return line


def _watch(stop: threading.Event) -> None:
    """End with the parent: its death closes the pipe."""
    while os.read(STDIN, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
