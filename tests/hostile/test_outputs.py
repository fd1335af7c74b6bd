"""Outputs that cannot be written, readers that go away, a user who stops: through the program's own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile.kit import GOOD, ROOT, Program, well_behaved

TAKE = next(GOOD.glob("episodes/*/*.mcap"))
COMMAND = (sys.executable, "-m", "embodied_kit")
WRITING = (("validate", TAKE, "--format", "html"), ("validate", TAKE, "--format", "json"), ("measure", TAKE))


def run(*words: str | Path, environment: dict[str, str], **more: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=False, timeout=100, **more
    )


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[-1] if isinstance(words[-1], str) else words[0])
def test_an_output_that_cannot_be_a_file_is_refused_and_nothing_is_written(
    words: tuple[str | Path, ...], program: Program, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/full")
    before = sorted(tmp_path.rglob("*"))
    for name in ("missing/report", "folder", "fifo", "device"):
        line = program.refused(2, *words, "-o", tmp_path / name)
        assert name.partition("/")[0] in line
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "fifo").is_fifo()
    assert (tmp_path / "device").is_symlink()


@pytest.mark.parametrize("verb", ["validate", "measure"])
def test_what_is_judged_is_never_written_to(verb: str, program: Program, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    (bag / "a.mcap").write_bytes(TAKE.read_bytes())
    (tmp_path / "link").symlink_to(bag / "a.mcap")
    for subject, output in (
        (bag / "a.mcap", bag / "a.mcap"),
        (bag / "a.mcap", tmp_path / "link"),
        (bag, bag / "report.html"),
        (GOOD, GOOD / "dataset.json"),
        (bag, GOOD / "episodes" / "report.html"),
    ):
        assert "apart from the data" in program.refused(2, verb, subject, "-o", output)
    assert (bag / "a.mcap").read_bytes() == TAKE.read_bytes()
    assert not (GOOD / "episodes" / "report.html").exists()


def test_an_output_takes_the_place_of_an_older_one_only_when_whole(program: Program, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    output.write_text("older")
    ran = well_behaved(program.run("validate", TAKE, "--format", "html", "-o", output))
    assert ran.code in (0, 3)
    assert output.read_bytes().endswith(b"</html>\n")
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("words", [*WRITING, ("rules", "list"), ("--help",)], ids=lambda words: str(words[0]))
def test_a_full_disk_is_the_environment(words: tuple[str | Path, ...], environment: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run(*words, environment=environment, stdout=full)
    assert ran.returncode == 4, ran.stderr
    assert ran.stderr.splitlines() == ["error: no space left on the disk", "  -> df -h"]


@pytest.mark.parametrize("words", [*WRITING, ("rules", "list"), ("--help",)], ids=lambda words: str(words[0]))
def test_a_reader_that_goes_away_is_no_error(words: tuple[str | Path, ...], environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = run(*words, environment=environment, stdout=writer)
    finally:
        os.close(writer)
    assert ran.stderr == ""
    assert ran.returncode == 141  # as the shell says of a program that SIGPIPE ended


def test_closed_streams_are_no_error(environment: dict[str, str]) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f'"$0" -m embodied_kit validate "$1" --depth index {closed}'
        ran = subprocess.run(
            ["/bin/sh", "-c", command, sys.executable, str(TAKE)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (3, ""), closed


def test_ctrl_c_ends_in_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    os.mkfifo(tmp_path / "begun")
    code = f"""
import sys, time
from pathlib import Path
from embodied_kit.cli import main
from embodied_kit.measure.streams.scan import EpisodeScan
def slowly(*_, **__):
    Path({str(tmp_path / "begun")!r}).write_text(".")
    time.sleep(60)
EpisodeScan.add_file = slowly
sys.exit(main(["validate", {str(GOOD)!r}]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**environment, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        (tmp_path / "begun").read_text()  # blocks until it measures
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "interrupted")
