"""What every test of bad input needs: the program as a process that is watched, and what it owes under any input."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GOOD = ROOT / "sample_episodes" / "good" / "dataset"
MEMORY_LIMIT_MB = 300
EVIL = "\x1b[31m\x9b2J<script>alert(1)</script>\u202e"
"""A name that colours and clears a terminal, runs in a page and turns the reading direction."""
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: bytes
    peak_mb: float
    timed_out: bool

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def errors(self) -> str:
        return self.err.decode()

    def report(self) -> dict[str, Any]:
        """The JSON report."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def rules(self, state: str = "failed") -> set[str]:
        """Ids of the rules with a finding of a state; what one cause made impossible is told once, and undetermined."""
        report = self.report()
        found = {item["rule_id"] for item in report["findings"] if item["state"] == state}
        return found | {rule for item in report["skipped"] for rule in item["rules"] if state == "undetermined"}


class Program:
    """embodied-kit, loaded once and forked for each command; a context manager.

    Args:
        folder: For its outputs.
        environment: Of the processes.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._out, self._err = folder / "out", folder / "err"
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py")), str(GOOD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Program:  # noqa: PYI034  # Python 3.10 has no Self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(self, *words: str | Path, timeout_s: float = 90) -> Ran:
        """One command, whatever becomes of it."""
        said = [str(word) for word in words]
        job = {"words": said, "out": str(self._out), "err": str(self._err), "timeout_s": timeout_s}
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        done = json.loads(self._server.stdout.readline())
        out, err = self._out.read_bytes(), self._err.read_bytes()
        return Ran(tuple(said), done["code"], out, err, done["peak_mb"], done["timed_out"])

    def refused(self, code: int, *words: str | Path) -> str:
        """A command that must end in one line of error and at most a remedy; the line."""
        ran = well_behaved(self.run(*words))
        lines = ran.errors.splitlines()
        assert ran.code == code, (ran.words, ran.code, ran.errors, ran.text[-300:])
        assert not ran.out, (ran.words, ran.text[-300:])
        assert len(lines) in (1, 2), lines
        assert lines[0].startswith(("error: ", "错误: ")), lines
        assert all(line.startswith("  -> ") for line in lines[1:]), lines
        return lines[0]

    def judged(self, path: Path, *words: str) -> Ran:
        """A JSON report of bad data: findings, and never a level."""
        ran = well_behaved(self.run("validate", path, "--format", "json", *words))
        assert ran.code in (1, 3), (ran.words, ran.code, ran.errors)
        assert ran.rules() | ran.rules("undetermined"), ran.words
        assert not ran.err, ran.errors
        return ran


def well_behaved(ran: Ran) -> Ran:
    """No traceback, no hang, no signal, memory as promised, nothing that a terminal would obey."""
    shown = (ran.words, ran.code, ran.errors[-1500:], ran.text[-300:])
    assert not ran.timed_out, shown
    assert "Traceback" not in ran.errors, shown
    assert "Warning" not in ran.errors, shown
    assert ran.code in (0, 1, 2, 3, 4), shown
    assert ran.peak_mb <= MEMORY_LIMIT_MB, (ran.peak_mb, *shown)
    assert not _OBEYED.search(ran.errors), shown
    assert "measure" in ran.words or "html" in ran.words or not _OBEYED.search(ran.text), shown
    assert "<script>alert" not in ran.text or "html" not in ran.words, shown
    return ran


def spoil(good: Path, to: Path, change: Callable[[Path], object]) -> Path:
    """A copy of a dataset that `change` has changed; it must have done so."""
    shutil.copytree(good, to, symlinks=True)
    before = _state(to)
    change(to)
    assert _state(to) != before, "nothing was changed"
    return to


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON document on disk."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="ascii")


def first_episode(dataset: Path) -> Path:
    """Folder of the first episode."""
    return min((dataset / "episodes").iterdir())


def _state(folder: Path) -> list[tuple[bytes, int, int, bytes]]:
    """Every entry with its kind, size and, of small files, bytes."""
    found = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        plain = path.is_file() and not path.is_symlink() and status.st_size < 1 << 24
        found.append(
            (
                str(path).encode("utf-8", "surrogateescape"),
                status.st_mode,
                status.st_size,
                path.read_bytes() if plain else b"",
            )
        )
    return found
