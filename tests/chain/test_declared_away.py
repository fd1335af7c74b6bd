"""What a submitter leaves out or renames silences no rule for free: the rule falls silent, and the level does not rise.

The recording is written again with other documents inside it, and episode.json is rebuilt from it, so that every
digest and every copy agrees.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chain.conftest import CLEAN_TAKE, TAKE_OF
from chain.lab import CONTEXT, PROFILE, Run
from mcap.reader import make_reader

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.rebuild import rebuild
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import default_cache, measure_path
from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile

Change = Callable[[Any], object]
ROBOT, CAPTURE = "robots/*/robot.json", "capture.json"


def stream(name: str, **entry: object) -> dict[str, Change]:
    """Another declaration of a stream, in the contract of the recording."""

    def change(capture: Any) -> None:
        (found,) = [item for item in capture["contract"]["streams"] if item["stream_id"] == name]
        found.update(entry)

    return {CAPTURE: change}


def robot(**entry: object) -> dict[str, Change]:
    """Another robot.json, in the folder and in the recording."""
    return {
        ROBOT: lambda document: document.update(entry),
        CAPTURE: lambda capture: [item.update(entry) for item in capture["robots"]],
    }


NOT_CALIBRATED = {
    ROBOT: lambda document: document.update(calibration_ids=[]),
    CAPTURE: lambda capture: capture.update(calibrations=[]),
}
DEPTH_AWAY = stream("cam_front_depth", role="event", modality="reference", unit="mm")
EVENT = {"cadence": "event", "nominal_rate_hz": None}


class Case(NamedTuple):
    """A thing that is declared away.

    Attributes:
        fault: Of the take; empty for the clean one.
        level: That the take has.
        silenced: Finding, rule and first level, that goes.
        speaks: Finding that comes.
    """

    fault: str
    level: str
    silenced: tuple[str, str]
    speaks: tuple[str, str]
    change: Mapping[str, Change]


CASES: Mapping[str, Case] = {
    "no cameras": Case("", "L3", ("ST-01", "L4"), ("DG-12", "L2"), robot(cameras=[])),
    "no cameras in the folder": Case(
        "", "L3", ("ST-01", "L4"), ("DG-12", "L2"), {ROBOT: lambda document: document.update(cameras=[])}
    ),
    "no calibration": Case("", "L3", ("", ""), ("DG-12", "L3"), NOT_CALIBRATED),
    "images by event": Case("drop_frames", "L1", ("TM-07", "L2"), ("TM-09", "L2"), stream("cam_front", **EVENT)),
    "images are no images": Case(
        "drop_frames",
        "L1",
        ("TM-07", "L2"),
        ("CT-10", "L2"),
        stream("cam_front", **EVENT, role="event", modality="reference"),
    ),
    "no state": Case(
        "frozen_camera", "L2", ("VS-04", "L3"), ("KN-01", "L2"), stream("joint_states", role="observation")
    ),
    "commands are states": Case(
        "stuck_joint", "L1", ("SR-07", "L2"), ("SR-11", "L2"), stream("joint_commands", role="state")
    ),
    "another unit": Case("wrong_unit", "L1", ("DG-01", "L2"), ("CT-10", "L2"), DEPTH_AWAY),
}


Make = Callable[[str, Mapping[str, Change]], Report]


@pytest.fixture(scope="module")
def make(run: Run, misdescribed: Run, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """What is said of a dataset of the one take that shows a fault, changed."""

    def of(fault: str, change: Mapping[str, Change]) -> Report:
        source = misdescribed if fault == "wrong_unit" else run
        take = 1 if source is misdescribed else TAKE_OF.get(fault, CLEAN_TAKE)
        return judged(alone(source, take, tmp_path_factory.mktemp("alone") / "ds", change))

    return of


@pytest.fixture(scope="module")
def unchanged(make: Make) -> Callable[[str], Report]:
    """The same of the take as it was recorded, found out once."""
    return functools.cache(lambda fault: make(fault, {}))


@pytest.mark.parametrize("name", CASES)
def test_declaring_away_does_not_raise_the_level(name: str, make: Make, unchanged: Callable[[str], Report]) -> None:
    case = CASES[name]
    before, after = unchanged(case.fault), make(case.fault, case.change)
    assert before.level == case.level
    assert case.silenced in {*failed(before), ("", "")}
    assert case.silenced not in failed(after), "the change silences nothing, so the case proves nothing"
    assert case.speaks in failed(after) - failed(before)
    assert rank(after) <= rank(before)


def test_episode_json_alone_is_not_believed(run: Run, tmp_path: Path) -> None:
    root = alone(run, TAKE_OF["drop_frames"], tmp_path / "after", {})
    (path,) = root.glob("episodes/*/episode.json")
    edited(path, lambda document: [item.update(cadence="event") for item in document["streams"]])
    after = judged(root)
    assert {("TM-07", "L2"), ("CT-12", "L2")} <= failed(after)


def alone(run: Run, take: int, root: Path, change: Mapping[str, Change]) -> Path:
    """A dataset of one take; its documents, and the recording with those that it carries, are changed."""
    shutil.copytree(run.root, root, copy_function=os.link)
    for folder in (root / "episodes").iterdir():
        if folder.name != run.episode(take):
            shutil.rmtree(folder)
            (root / "annotations" / "skills" / f"{folder.name}.json").unlink()
    for pattern, made in change.items():
        if pattern == CAPTURE:
            (data,) = root.glob("episodes/*/data_000.mcap")
            embed(data, made)
            (data.parent / "episode.json").unlink()
            assert rebuild(root)
        else:
            (path,) = root.glob(pattern)
            edited(path, made)
    Dataset.open(root).refresh(CONTEXT.as_of_ns)
    return root


def embed(path: Path, change: Change) -> None:
    """Write a recording again, byte for byte but for its capture document."""
    old = path.with_suffix(".old")
    path.rename(old)
    with old.open("rb") as file, McapWriter(path) as writer:
        reader = make_reader(file)
        *first, closing = reader.iter_attachments()
        for item in first:
            data = changed(item.data, change) if item.name == CAPTURE else item.data
            writer.attach(item.name, item.media_type, data, log_time=item.log_time, create_time=item.create_time)
        summary = reader.get_summary()
        assert summary is not None
        schemas = {key: writer.add_schema(s.name, s.encoding, s.data) for key, s in summary.schemas.items()}
        channels = {
            key: writer.add_channel(channel.topic, schemas[channel.schema_id], metadata=dict(channel.metadata))
            for key, channel in summary.channels.items()
        }
        for _, channel, message in reader.iter_messages(log_time_order=False):
            writer.write(channels[channel.id], message.log_time, message.publish_time, message.sequence, message.data)
        writer.flush()
        writer.attach(closing.name, closing.media_type, closing.data, log_time=closing.log_time)
        for record in reader.iter_metadata():
            writer.add_metadata(record.name, dict(record.metadata))
    old.unlink()


def edited(path: Path, change: Change) -> None:
    data = path.read_bytes()
    path.unlink()  # a link to the run's own
    path.write_bytes(changed(data, change))


def changed(data: bytes, change: Change) -> bytes:
    document = json.loads(data)
    change(document)
    assert document != json.loads(data), "nothing was changed"
    return pretty_bytes(_without_none(document))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def judged(root: Path) -> Report:
    return judge(measure_path(root, cache=default_cache()), load_profile(PROFILE), CONTEXT)


def failed(report: Report) -> set[tuple[str, str]]:
    """Rule and first level of what stands in the way."""
    found = [item for item in report.findings if item.state == "failed" and item.severity == "error"]
    return {(item.rule_id, item.level) for item in found}


def rank(report: Report) -> int:
    return LEVELS.index(report.level) if report.level else -1
