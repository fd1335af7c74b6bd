"""Paths on the command line that are missing, of another kind, or no path at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.kit import EVIL, GOOD, Program, well_behaved

from embodied_validators.attest.keys import new_key

VERBS = (
    ("validate",),
    ("measure",),
    ("dataset", "ls"),
    ("dataset", "info"),
    ("dataset", "seal"),
    ("dataset", "rebuild"),
)
NO_DATA = ("missing", "empty", "text", "fifo", "fifo.mcap", "socket.mcap", "dangling", "loop", "x" * 300, "y/" * 3000)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("places")
    (root / "empty").mkdir()
    (root / "text").write_text("no data")
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "fifo.mcap")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(root)  # the path of a socket may not be long
        try:
            opened.bind("socket.mcap")
        finally:
            os.chdir(here)
        yield root


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("name", [*NO_DATA, f"a\nb{EVIL}", "/dev/null", "/dev/zero"], ids=lambda name: ascii(name)[:20])
def test_what_is_no_data_is_refused_in_one_line(
    verb: tuple[str, ...], name: str, places: Path, program: Program
) -> None:
    assert "expected" in program.refused(2, *verb, places / name) or len(name) > 255


@pytest.mark.parametrize("name", NO_DATA, ids=lambda name: name[:12])
def test_verify_refuses_what_is_no_dataset(name: str, places: Path, program: Program, tmp_path: Path) -> None:
    trust = new_key(tmp_path, "lab").trust
    if name == "empty":
        ran = well_behaved(program.run("verify", places / name, "--trust", trust))
        assert (ran.code, bool(ran.text)) == (3, True)
    else:
        program.refused(2, "verify", places / name, "--trust", trust)


@pytest.mark.parametrize("content", [b"", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" * 2, os.urandom(999), b"\0" * 9999])
def test_what_only_looks_like_a_recording_fails(content: bytes, program: Program, tmp_path: Path) -> None:
    path = tmp_path / "take.mcap"
    path.write_bytes(content)
    for depth in ("index", "full"):
        ran = program.judged(path, "--depth", depth)
        assert ran.code == 1
        assert "CT-01" in ran.rules()
        assert ran.report()["verdict"]["level"] is None


def test_an_unread_storage_is_undetermined(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.db3").write_bytes(b"no database")
    ran = program.judged(tmp_path / "a.db3")
    assert (ran.code, ran.report()["verdict"]["level"]) == (3, None)


def test_a_level_is_not_asked_of_a_bare_file(program: Program) -> None:
    take = next(GOOD.glob("episodes/*/*.mcap"))
    assert "level L1" in program.refused(2, "validate", take, "--level", "L1")


@pytest.mark.parametrize(
    "words", [("validate",), ("nonsense",), ("validate", "a", "b"), ("validate", "--depth", "x", ".")]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_wrong_command_line_is_told_in_one_line(words: tuple[str, ...], language: str, program: Program) -> None:
    program.refused(2, *words, "--lang", language)
