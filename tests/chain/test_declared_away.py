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


def acquired(**entry: object) -> dict[str, Change]:
    """Another declaration of the take itself."""
    return {CAPTURE: lambda capture: capture.update(entry)}


def everywhere(**entry: object) -> dict[str, Change]:
    """Another declaration of the take and of its dataset."""
    return {**acquired(**entry), "dataset.json": lambda document: document.update(entry)}


def without_groups(capture: Any) -> None:
    for item in capture["contract"]["streams"]:
        item.pop("sync_group", None)


def groups_apart(capture: Any) -> None:
    for item in capture["contract"]["streams"]:
        item["sync_group"] = item["stream_id"]


class Wire(NamedTuple):
    """Another recording of a topic.

    Attributes:
        ros_type: Of the topic; empty for the same.
        old, new: Bytes of its messages that are replaced, equally many.
    """

    ros_type: str = ""
    old: bytes = b""
    new: bytes = b""


SAME = Wire()
DEPTH_AWAY = stream("cam_front_depth", role="event", modality="reference", unit="mm")
EVENT = {"cadence": "event", "nominal_rate_hz": None}
REAL = {"data_origin": "real", "generated_data_indicator": 0, "acquisition_mode": "script"}
NOTHING = ("", "")


class Case(NamedTuple):
    """A thing that is declared away.

    Attributes:
        fault: Of the take; empty for the clean one.
        level: That the take has.
        silenced: Finding, rule and first level, that goes.
        speaks: Finding that comes.
        wire: Topic -> how it is recorded.
    """

    fault: str
    level: str
    silenced: tuple[str, str]
    speaks: tuple[str, str]
    change: Mapping[str, Change]
    wire: Mapping[str, Wire] = {}
    profile: str = PROFILE


CASES: Mapping[str, Case] = {
    "no cameras": Case("", "L3", ("ST-01", "L4"), ("DG-12", "L2"), robot(cameras=[])),
    "no cameras in the folder": Case(
        "", "L3", ("ST-01", "L4"), ("DG-12", "L2"), {ROBOT: lambda document: document.update(cameras=[])}
    ),
    "no calibration": Case("", "L3", NOTHING, ("DG-12", "L3"), NOT_CALIBRATED),
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
    "commands to other joints": Case(
        "stuck_joint",
        "L1",
        ("SR-07", "L2"),
        ("KN-01", "L2"),
        stream("joint_commands", frame_id="leader"),
        {"/joint_commands": Wire(old=b"joint_", new=b"lead__")},
    ),
    "a type of its own, as events": Case(
        "late_stream",
        "L1",
        ("TM-14", "L2"),
        ("TM-09", "L2"),
        stream("ee_pose", **EVENT, role="event", modality="reference", ros_type="arm_msgs/msg/Pose"),
        {"/ee_pose": Wire(ros_type="arm_msgs/msg/Pose")},
    ),
    "a pose of something": Case("", "L3", NOTHING, ("CT-10", "L2"), stream("ee_pose", role="observation")),
    "a name, and nobody operated": Case(
        "", "L3", NOTHING, ("PV-05", "L2"), acquired(acquisition_mode="autonomous", operator_pseudonym="Li Wei")
    ),
    "a trained policy": Case(
        "", "L3", NOTHING, ("PV-05", "L2"), acquired(acquisition_mode="script", operator_skill_level="trained")
    ),
    "a simulated take of a real set": Case(
        "", "L3", NOTHING, ("PV-07", "L1"), {"dataset.json": lambda document: document.update(data_origin="real")}
    ),
    "a real camera by simulation's truth": Case(
        "",
        "L2",
        NOTHING,
        ("DG-06", "L3"),
        everywhere(data_origin="real", generated_data_indicator=0) | acquired(**REAL),
        profile="arm@1.0",
    ),
    "a person who is commanded": Case(
        "", "L2", NOTHING, ("CT-10", "L2"), robot(embodiment_class="human"), profile="egocentric@1.0"
    ),
    "a face nobody declared": Case("", "L3", NOTHING, ("PR-06", "L2"), stream("cam_front", contains_pi=True)),
    "states on change": Case("", "L3", NOTHING, ("SR-09", "L3"), stream("joint_states", cadence="on_change")),
}
SAID_ALL_THE_SAME = {"no sync groups": without_groups, "each camera by itself": groups_apart}


Make = Callable[[str, Mapping[str, Change], Mapping[str, Wire], str], Report]


@pytest.fixture(scope="module")
def make(run: Run, misdescribed: Run, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """What is said of a dataset of the one take that shows a fault, changed."""

    def of(fault: str, change: Mapping[str, Change], wire: Mapping[str, Wire], profile: str) -> Report:
        source = misdescribed if fault == "wrong_unit" else run
        take = 1 if source is misdescribed else TAKE_OF.get(fault, CLEAN_TAKE)
        return judged(alone(source, take, tmp_path_factory.mktemp("alone") / "ds", change, wire), profile)

    return of


@pytest.fixture(scope="module")
def unchanged(make: Make) -> Callable[[str, str], Report]:
    """The same of the take as it was recorded, found out once."""
    return functools.cache(lambda fault, profile: make(fault, {}, {}, profile))


@pytest.mark.parametrize("name", CASES)
def test_declaring_away_does_not_raise_the_level(
    name: str, make: Make, unchanged: Callable[[str, str], Report]
) -> None:
    case = CASES[name]
    before = unchanged(case.fault, case.profile)
    after = make(case.fault, case.change, case.wire, case.profile)
    assert before.level == case.level
    assert case.silenced in {*failed(before), NOTHING}
    assert case.silenced not in failed(after), "the change silences nothing, so the case proves nothing"
    assert case.speaks in failed(after) - failed(before)
    assert rank(after) <= rank(before)


@pytest.mark.parametrize("name", SAID_ALL_THE_SAME)
def test_cameras_are_held_against_one_another_whatever_groups_they_are_in(
    name: str, make: Make, unchanged: Callable[[str, str], Report]
) -> None:
    after = make("drop_frames", {CAPTURE: SAID_ALL_THE_SAME[name]}, {}, PROFILE)
    assert ("TM-10", "L3") in failed(unchanged("drop_frames", PROFILE)) & failed(after)


def test_that_nobody_operated_is_said_to_be_a_declaration(make: Make, unchanged: Callable[[str, str], Report]) -> None:
    before, after = unchanged("", PROFILE), make("", acquired(acquisition_mode="script"), {}, PROFILE)
    told = [item.measured for item in after.findings if item.rule_id == "PV-13"]
    assert (before.level, after.level, told) == ("L3", "L3", ["unshown"])
    assert "PV-13" not in {item.rule_id for item in before.findings}


def test_episode_json_alone_is_not_believed(run: Run, tmp_path: Path) -> None:
    root = alone(run, TAKE_OF["drop_frames"], tmp_path / "after", {}, {})
    (path,) = root.glob("episodes/*/episode.json")
    edited(path, lambda document: [item.update(cadence="event") for item in document["streams"]])
    after = judged(root, PROFILE)
    assert {("TM-07", "L2"), ("CT-12", "L2")} <= failed(after)


def alone(run: Run, take: int, root: Path, change: Mapping[str, Change], wire: Mapping[str, Wire]) -> Path:
    """A dataset of one take; its documents, and the recording with those that it carries, are changed."""
    shutil.copytree(run.root, root, copy_function=os.link)
    for folder in (root / "episodes").iterdir():
        if folder.name != run.episode(take):
            shutil.rmtree(folder)
            (root / "annotations" / "skills" / f"{folder.name}.json").unlink()
    for pattern, made in change.items():
        if pattern == CAPTURE:
            (data,) = root.glob("episodes/*/data_000.mcap")
            embed(data, made, wire)
            (data.parent / "episode.json").unlink()
            assert rebuild(root)
        else:
            (path,) = root.glob(pattern)
            edited(path, made)
    Dataset.open(root).refresh(CONTEXT.as_of_ns)
    return root


def embed(path: Path, change: Change, wire: Mapping[str, Wire]) -> None:
    """Write a recording again, byte for byte but for its capture document and some topics."""
    kept = path.with_suffix(".old")
    path.rename(kept)
    with kept.open("rb") as file, McapWriter(path) as writer:
        reader = make_reader(file)
        *first, closing = reader.iter_attachments()
        for item in first:
            data = changed(item.data, change) if item.name == CAPTURE else item.data
            writer.attach(item.name, item.media_type, data, log_time=item.log_time, create_time=item.create_time)
        summary = reader.get_summary()
        assert summary is not None
        channels = {}
        for key, channel in summary.channels.items():
            schema = summary.schemas[channel.schema_id]
            name = wire.get(channel.topic, SAME).ros_type or schema.name
            schema_id = writer.add_schema(name, schema.encoding, schema.data)
            channels[key] = writer.add_channel(channel.topic, schema_id, metadata=dict(channel.metadata))
        for _, channel, message in reader.iter_messages(log_time_order=False):
            _, old, new = wire.get(channel.topic, SAME)
            assert old in message.data, "nothing was changed"
            data = message.data.replace(old, new) if old else message.data
            writer.write(channels[channel.id], message.log_time, message.publish_time, message.sequence, data)
        writer.flush()
        writer.attach(closing.name, closing.media_type, closing.data, log_time=closing.log_time)
        for record in reader.iter_metadata():
            writer.add_metadata(record.name, dict(record.metadata))
    kept.unlink()


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


def judged(root: Path, profile: str) -> Report:
    return judge(measure_path(root, cache=default_cache()), load_profile(profile), CONTEXT)


def failed(report: Report) -> set[tuple[str, str]]:
    """Rule and first level of what stands in the way."""
    found = [item for item in report.findings if item.state == "failed" and item.severity == "error"]
    return {(item.rule_id, item.level) for item in found}


def rank(report: Report) -> int:
    return LEVELS.index(report.level) if report.level else -1
