"""Runs the program many times: one process that has loaded it and forks for each command, told by lines of JSON.

A child has its own peak of memory (`wait4`) and its own standard streams; it ends as `sys.exit(main())` would.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

_HEAVY = (
    *("numpy", "jsonschema_rs", "simplejpeg", "zstandard", "lz4.frame"),
    *("embodied_kit.cli.app", "embodied_kit.cli.judging", "embodied_kit.cli.rendering", "embodied_kit.measure"),
    *(f"embodied_kit.cli.{verb}" for verb in ("validate", "measure", "verify", "attest", "dataset", "importer")),
    *("embodied_validators.judge", "embodied_validators.report", "embodied_validators.report.views"),
    *("embodied_validators.attest.attest", "embodied_validators.attest.verify"),
)


def main(warm_up: str) -> None:
    """Serve until the input ends.

    Args:
        warm_up: A dataset that is judged once, so that no child has to load rules and schemas.
    """
    for name in _HEAVY:
        importlib.import_module(name)
    from embodied_kit.cli import main as program  # noqa: PLC0415

    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        for form in ("json", "text", "html"):
            program(["validate", warm_up, "--format", form])
    gc.freeze()  # or the collector of each child would copy every page
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_serve(json.loads(line))) + "\n")
        sys.stdout.flush()


def _serve(job: dict[str, object]) -> dict[str, object]:
    child = os.fork()
    if not child:
        _become(job)
    timed_out = _wait(child, float(str(job["timeout_s"])))
    if timed_out:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "peak_mb": usage.ru_maxrss / 1024,
        "timed_out": timed_out,
    }


def _wait(child: int, timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
        time.sleep(0.002)
    return True


def _become(job: dict[str, object]) -> None:
    """The program itself; never returns."""
    code: object = 1
    try:
        words = [str(word) for word in job["words"]]  # type: ignore[attr-defined]
        for number, name in ((1, "out"), (2, "err")):
            descriptor = os.open(str(job[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        from embodied_kit.cli import main as program  # noqa: PLC0415

        code = program(words)
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001  # printed as the interpreter does
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "recorders"), str(root / "validators")]
    main(sys.argv[1])
