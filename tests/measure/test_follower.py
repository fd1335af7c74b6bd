"""A take that is read while it is written has the same facts as one that is read when it is whole."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from embodied_kit.canonical import sha256_hex
from embodied_kit.episode.layout import PARTIAL, data_file
from embodied_kit.mcap.followed import FollowedSource
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import facts_lines, measure_path
from embodied_kit.measure.places.location import DataFile
from embodied_kit.measure.streams.follower import Follower
from embodied_kit.measure.streams.scan import EpisodeScan
from embodied_kit.model.facts import Facts

ROOT = Path(__file__).resolve().parents[2]
GOOD = max((ROOT / "sample_episodes/good/dataset/episodes").iterdir())
WHOLE = (GOOD / data_file(0)).read_bytes()


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "recording" / GOOD.name
    folder.mkdir(parents=True)
    return folder


class Recorder:
    """Writes files as a recorder's writer does, a piece at a time: the next begins before one is whole."""

    def __init__(self, staging: Path, files: Sequence[bytes], piece: int) -> None:
        self._staging, self._files, self._piece = staging, files, piece
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for index, data in enumerate(self._files):
            partial = self._staging / (data_file(index) + PARTIAL)
            with partial.open("ab", buffering=0) as file:
                for at in range(0, len(data), self._piece):
                    file.write(data[at : at + self._piece])
                    time.sleep(0.001)
            if index + 1 < len(self._files):
                (self._staging / (data_file(index + 1) + PARTIAL)).touch()
            partial.rename(partial.with_suffix(""))

    def finish(self) -> None:
        """Wait until all is written."""
        self._thread.join()


def in_episodes(staging: Path, files: Sequence[bytes]) -> Path:
    """The closed take among the episodes, with an episode.json that lists its files."""
    document = json.loads((GOOD / "episode.json").read_bytes())
    others = [item for item in document["files"] if not item["path"].endswith(".mcap")]
    data = [
        {"path": data_file(index), "sha256": sha256_hex(data), "size_bytes": len(data)}
        for index, data in enumerate(files)
    ]
    (staging / "episode.json").write_text(json.dumps(document | {"files": [*data, *others]}), encoding="utf-8")
    shutil.copy(GOOD / "metadata.yaml", staging)
    folder = staging.parents[1] / "episodes" / staging.name
    folder.parent.mkdir()
    return staging.rename(folder)


def lines(facts: Iterator[Facts]) -> list[bytes]:
    return list(facts_lines(list(facts)))


class Seen(Follower):
    """A follower that tells how much of a take it spared."""

    spared: int | None = None

    @property
    def has_begun(self) -> bool:
        return bool(self._scan.files)

    def scan_of(self, files: Sequence[DataFile], digests: dict[str, str], depth: str) -> EpisodeScan | None:
        scan = super().scan_of(files, digests, depth)
        self.spared = None if scan is None else len(scan.files)
        return scan


def followed(staging: Path, files: Sequence[bytes], piece: int) -> tuple[Seen, Path]:
    (staging / (data_file(0) + PARTIAL)).touch()
    follower = Seen(staging, staging.name, "full")
    wait_until(lambda: follower.has_begun)
    Recorder(staging, files, piece).finish()
    folder = in_episodes(staging, files)
    wait_for(follower)
    return follower, folder


def wait_for(follower: Follower) -> None:
    wait_until(lambda: follower.is_done)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def split() -> list[bytes]:
    """A second data file of the same stream behind the first."""
    return [WHOLE, (max((ROOT / "sample_episodes/lost_frames/dataset/episodes").iterdir()) / data_file(0)).read_bytes()]


@pytest.mark.parametrize("files", [[WHOLE], split()], ids=["one file", "two files"])
def test_the_facts_are_the_same_to_the_byte(staging: Path, files: list[bytes]) -> None:
    follower, folder = followed(staging, files, 40_000)
    assert lines(measure_path(folder, follower=follower)) == lines(measure_path(folder))
    assert follower.spared, "it has read the first file at least"
    follower.close()


def test_what_was_written_anew_after_it_was_read_is_read_again(staging: Path) -> None:
    torn = WHOLE[:300_000] + bytes(100_000) + WHOLE[400_000:]
    follower, folder = followed(staging, [torn], 100_000)
    data = folder / data_file(0)
    data.write_bytes(WHOLE)
    document = json.loads((folder / "episode.json").read_text())
    document["files"][0]["sha256"] = sha256_hex(WHOLE)
    (folder / "episode.json").write_text(json.dumps(document))
    assert lines(measure_path(folder, follower=follower)) == lines(measure_path(folder))
    assert follower.spared is None
    follower.close()


def test_another_depth_is_measured_anew(staging: Path) -> None:
    follower, folder = followed(staging, [WHOLE], 400_000)
    assert lines(measure_path(folder, depth="signal", follower=follower)) == lines(measure_path(folder, depth="signal"))
    assert follower.spared is None
    follower.close()


def test_it_gives_up_on_a_take_that_never_ends(staging: Path) -> None:
    follower = Follower(staging, staging.name, "full")
    (staging / (data_file(0) + PARTIAL)).write_bytes(WHOLE[:500_000])
    time.sleep(0.2)
    assert not follower.is_done
    follower.close()
    assert follower.is_done


def test_it_gives_up_on_a_take_that_never_begins(staging: Path) -> None:
    follower = Follower(staging, staging.name, "full")
    follower.close()
    assert follower.is_done


def test_a_take_that_was_over_before_it_looked_is_read_when_it_is_whole(staging: Path) -> None:
    Recorder(staging, [WHOLE], len(WHOLE)).finish()
    folder = in_episodes(staging, [WHOLE])
    follower = Seen(staging, staging.name, "full")
    wait_for(follower)
    assert lines(measure_path(folder, follower=follower)) == lines(measure_path(folder))
    assert follower.spared == 0
    follower.close()


@pytest.mark.parametrize("piece", [1_000, 33_333, len(WHOLE)])
def test_a_container_that_grows_is_found_as_one_that_is_whole(staging: Path, piece: int) -> None:
    partial = staging / (data_file(0) + PARTIAL)
    partial.touch()
    recorder = Recorder(staging, [WHOLE], piece)
    with McapScan(FollowedSource(partial, threading.Event())) as growing:
        grown_n = sum(len(batch) for batch in growing.batches())
    recorder.finish()
    with McapScan(staging / data_file(0)) as scan:
        assert grown_n == sum(len(batch) for batch in scan.batches())
        assert growing.container() == scan.container()


def test_bytes_behind_the_end_are_found_in_a_container_that_grows(staging: Path) -> None:
    path = staging / "a.mcap"
    with McapWriter(path) as writer:
        channel = writer.add_channel("/a", writer.add_schema("a/msg/A", "ros2msg", b"int8 a"))
        writer.write(channel, 1, 1, 0, b"\x00\x01\x00\x00\x01")
    partial = staging / (data_file(0) + PARTIAL)
    partial.touch()
    recorder = Recorder(staging, [path.read_bytes() + b"more"], 50)
    with McapScan(FollowedSource(partial, threading.Event())) as growing:
        assert sum(len(batch) for batch in growing.batches()) == 1
    recorder.finish()
    (problem,) = growing.container().problems
    assert "behind the closing magic, got 4 bytes" in problem.message
