"""Power cuts: each prefix of the calls of a take, and of its recovery, leaves a dataset that comes back."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder.powercut import WAYS, Disk
from recorder.support import attachments
from recorder.unfinished import PICK, Bench, killed

from embodied_kit.canonical import load_json
from embodied_kit.episode.content import read_content
from embodied_kit.episode.datafile import Flush
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.rebuild import read_whole
from embodied_kit.episode.recovery import Rescue, recover_takes
from embodied_recorders.take.documents import TakeResult

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a descriptor stands for: Linux alone")
NOW_NS = 1_790_000_000_000_000_000
STATES = int(os.environ.get("EMBODIED_KIT_POWERCUTS", "40"))
"""So many of the states are tried, chosen by chance; all of them with a great number in the environment."""


def states(disk: Disk, folder: Path, most: int) -> Iterator[tuple[str, int, Dataset]]:
    """Different states that power cuts leave, as datasets; with what each had promised, and a name."""
    seen, rows = set(), [(moment, how) for moment in disk.moments for how in WAYS]
    for number, (moment, how) in enumerate(random.Random(3).sample(rows, len(rows))):  # noqa: S311 - a choice
        root = folder / str(number)
        moment.leave(root, how)
        digest = hashlib.sha256()
        for path in sorted(root.rglob("*")):
            digest.update(str(path.relative_to(root)).encode() + (path.read_bytes() if path.is_file() else b"/"))
        if digest.digest() not in seen:
            seen.add(digest.digest())
            yield f"{how} after {moment.call} {disk.moments.index(moment)}", moment.promised_n, Dataset(root)
        shutil.rmtree(root)
        if len(seen) == most:
            return


def readable(root: Path) -> int:
    """Messages that lie in a dataset before it is recovered."""
    files = [*root.glob("episodes/*/data_*"), *root.glob(".embodied/recording/*/data_*")]
    return max((read_content(path).messages_n for path in files), default=0)


def comes_back(name: str, promised_n: int, dataset: Dataset) -> tuple[Rescue, ...]:
    """Recover it; all that was promised, and all that can be read, is in one episode."""
    readable_n = readable(dataset.root)
    assert readable_n >= promised_n, name
    rescues = tuple(recover_takes(dataset, NOW_NS, 0.0))
    assert [one.error for one in rescues if one.kind in {"failed", "in_use"}] == [], name
    kept = [read_whole(path).messages_n for path in dataset.root.glob("episodes/*/data_000.mcap")]
    assert kept == ([readable_n] if readable_n else kept[:1]), name
    assert dataset.document().get("totals", {"episodes": 0})["episodes"] == len(dataset.episode_ids()), name
    assert recover_takes(dataset, NOW_NS, 0.0) == (), name
    return rescues


def take_on(bench: Bench, patch: pytest.MonkeyPatch) -> Disk:
    """A take, to its end, on a disk that is watched."""
    disk = Disk(bench.dataset.root)
    with disk.watched(patch):
        running = bench.session.begin(PICK)
        sent = 1
        for _ in range(4):
            bench.send(running, 3)
            bench.writer.run(Flush())
            sent += 3
            disk.promised_n = sent
        running.mark("a_mark")
        running.stop("operator")
        bench.session.finish(running, TakeResult("success", stop_reason="operator"))
    return disk


def test_a_power_cut_at_any_call_of_a_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    disk = take_on(Bench(tmp_path / "a"), monkeypatch)
    assert {moment.call for moment in disk.moments} >= {"writev", "fsync", "fdatasync"}
    kinds = set()
    for name, promised_n, dataset in states(disk, tmp_path / "states", STATES):
        kinds |= {rescue.kind for rescue in comes_back(name, promised_n, dataset)}
    assert {"recovered", "finished", "set_aside"} <= kinds
    assert episodes_after(disk, tmp_path / "end") == [disk.promised_n]


def episodes_after(disk: Disk, root: Path) -> list[int]:
    """Messages of the episodes that a power cut leaves right after the last call."""
    disk.moments[-1].leave(root, "least")
    return [read_whole(path).messages_n for path in root.glob("episodes/*/data_000.mcap")]


def test_what_was_said_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    bench = Bench(tmp_path / "a")
    disk = Disk(bench.dataset.root)
    with disk.watched(monkeypatch):
        running = bench.begin(5)
        running.mark("cube_slipped")
        running.say(TakeResult("failure", "grasp_missed", "operator").said())
    disk.moments[-1].leave(tmp_path / "left", "least")
    (rescue,) = recover_takes(Dataset(tmp_path / "left"), NOW_NS, 0.0)
    assert rescue.folder is not None
    assert load_json(rescue.folder / "episode.json")["outcome"] == "failure"
    names = [event["name"] for event in json.loads(attachments(rescue.folder)["closing.json"])["events"]]
    assert names == ["cube_slipped", "recovered"]


def test_a_power_cut_at_any_call_of_a_recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    bench = killed(tmp_path / "a")
    original = (bench.staging() / "data_000.mcap.partial").read_bytes()
    disk = Disk(bench.dataset.root, promised_n=11)
    with disk.watched(monkeypatch):
        recover_takes(bench.dataset, NOW_NS, 0.0)
    for name, promised_n, dataset in states(disk, tmp_path / "states", STATES):
        comes_back(name, promised_n, dataset)
        (kept,) = dataset.root.glob(".embodied/damaged/*/data_000.mcap.partial")
        assert kept.read_bytes() == original, name
    assert episodes_after(disk, tmp_path / "end") == [11]
    assert next((tmp_path / "end").glob(".embodied/damaged/*/data_000.mcap.partial")).read_bytes() == original
