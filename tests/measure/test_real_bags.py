"""Every real bag ends in facts that hold to their schemas; nothing is invented, nothing crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from embodied_kit.measure import facts_lines, measure_path, read_facts
from embodied_kit.model.facts import Depth
from embodied_kit.spec import check, standard

REAL = Path(__file__).parents[3] / "shared" / "realdata"
SUBJECTS = sorted(
    {path.parent for path in REAL.glob("rosbag2_*/**/metadata.yaml")} | set(REAL.glob("rosbag2_*/**/*.mcap"))
)

pytestmark = pytest.mark.skipif(not SUBJECTS, reason="the real recordings lie beside the repository, not in it")


@pytest.mark.parametrize("depth", ["index", "full"])
@pytest.mark.parametrize("path", SUBJECTS, ids=[path.relative_to(REAL).as_posix() for path in SUBJECTS])
def test_a_real_bag_is_measured(path: Path, depth: Depth) -> None:
    (facts,) = measure_path(path, depth=depth)
    for table, rows in facts.tables.items():
        for row in rows:
            assert check(table, row, standard().fact_schema(table)) == []
    lines = list(facts_lines([facts]))
    assert list(facts_lines(read_facts(lines))) == lines
    sqlite = {str(row["path"]) for row in facts.tables["file"] if row["kind"] == "sqlite" and row["size"] is not None}
    refused = {str(row["path"]) for row in facts.tables["error"] if "embodied-kit import rosbag2" in str(row["reason"])}
    assert sqlite == refused
    for row in facts.tables["container"]:
        assert row["readable"] == "ok"
        if depth == "full":
            assert row["messages_n"] == row["declared_messages_n"]
            # The C++ writer takes a log time of 0 for "none yet", so its least time is wrong then.
            assert row["statistics_ok"] is True or row["zero_log_times_n"]


def find(name: str) -> Path:
    return next(path for path in SUBJECTS if path.is_dir() and path.name == name and list(path.glob("*.mcap")))


def test_a_split_bag_is_one_recording() -> None:
    (facts,) = measure_path(find("wbag"))
    assert len(facts.tables["container"]) == 5
    declared = sum(int(str(row["declared_messages_n"])) for row in facts.tables["container"])
    assert sum(int(str(row["n"])) for row in facts.tables["stream"]) == declared
    assert {row["listing"] for row in facts.tables["file"]} <= {"listed", "free"}


def test_values_of_a_real_message_are_those_that_an_independent_decoder_reads() -> None:
    from mcap.reader import make_reader  # noqa: PLC0415 - only here
    from mcap_ros2.decoder import DecoderFactory  # noqa: PLC0415 - only here

    folder = find("array_msgs")
    (facts,) = measure_path(folder)
    with next(folder.glob("*.mcap")).open("rb") as file:
        decoded = {
            channel.topic: message
            for _, channel, _, message in make_reader(
                file, decoder_factories=[DecoderFactory()]
            ).iter_decoded_messages()
        }
    joints = decoded["/one_shot/joint_state"]
    rows = {
        (row["field"], row["name"]): row["max"]
        for row in facts.tables["dim"]
        if row["stream"] == "/one_shot/joint_state"
    }
    expected = {("position", name): value for name, value in zip(joints.name, joints.position, strict=True)}
    assert expected
    assert {key: rows[key] for key in expected} == pytest.approx(expected)
