"""Ctrl-C at any moment of a start ends the program quietly, with the exit code that a shell expects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def started(moment: str, *, ignoring: bool = False) -> subprocess.CompletedProcess[str]:
    """The program, which gets a SIGINT as it imports a module."""
    code = f"""
import os, runpy, signal, sys
left = [{moment!r}]
def interrupt(event, arguments):
    if event == "import" and left == [arguments[0]]:
        left.clear()
        os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.{"SIG_IGN" if ignoring else "default_int_handler"})
sys.addaudithook(interrupt)
sys.argv = ["embodied-kit", "rules", "explain", "TM-07"]
runpy.run_module("embodied_kit", run_name="__main__")
"""
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "EMBODIED_KIT_LANG": "en"}, cwd=ROOT, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("embodied_kit.cli", ""),
        ("embodied_kit.cli.verbs", ""),
        ("click", ""),
        ("embodied_validators.rulebook", "interrupted"),
    ],
)
def test_an_interrupt_while_modules_are_imported(moment: str, said: str) -> None:
    done = started(moment)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", said)


def test_who_ignores_it_is_not_interrupted() -> None:
    done = started("click", ignoring=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("TM-07")
