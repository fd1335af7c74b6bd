from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure.synthetic import (
    EPISODE_ID,
    OTHER_ID,
    SECOND_NS,
    START_NS,
    StreamSpec,
    Take,
    colour_image,
    declared,
    depth_message,
    encoded,
    jpeg_message,
    periodic,
    streams,
    write_data,
    write_dataset,
)

from embodied_kit.errors import UsageError
from embodied_kit.measure import facts_lines, measure_path, read_facts
from embodied_kit.measure.dataset import measure_whole
from embodied_kit.measure.engines.engine import SerialEngine
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.location import LocalFolder
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.model.facts import Depth, Facts
from embodied_kit.spec import check, standard

Row = Mapping[str, Any]
Specs = dict[str, StreamSpec]


def measured(root: Path, depth: Depth = "full") -> dict[str, Facts]:
    found = list(measure_path(root, depth=depth))
    for facts in found:
        assert_valid(facts)
    return {facts.scope: facts for facts in found}


def assert_valid(facts: Facts) -> None:
    """Every row has every column, of the right type, and a null says why."""
    for table, rows in facts.tables.items():
        columns = set(standard().fact_table(table).columns)
        for row in rows:
            assert check(table, row, standard().fact_schema(table)) == []
            assert columns <= set(row)


def one(facts: Facts, table: str, **key: object) -> Any:
    rows = [row for row in facts.tables[table] if all(row[name] == value for name, value in key.items())]
    assert len(rows) == 1, f"{len(rows)} rows of {table} with {key}"
    return rows[0]


def states(facts: Facts, kind: str) -> set[str]:
    return {str(row["state"]) for row in facts.tables["link"] if row["kind"] == kind}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("clean"))


@pytest.mark.parametrize("depth", ["index", "signal", "full"])
def test_a_clean_dataset_links_and_round_trips(clean: Path, depth: Depth) -> None:
    found = measured(clean, depth)
    assert list(found) == [EPISODE_ID, "dataset"]
    for facts in found.values():
        assert not facts.tables["error"]
        bad = {
            (row["kind"], row["target"])
            for row in facts.tables["link"]
            if row["state"] not in ("equal", "present", "absent") and not str(row["kind"]).endswith("_fields")
        }
        assert bad <= {("camera_calibrated", "depth")}  # nobody calibrated it
    lines = list(facts_lines(found.values()))
    assert list(facts_lines(read_facts(lines))) == lines
    assert lines == list(facts_lines(measure_path(clean, depth=depth)))
    assert str(clean).encode() not in b"".join(lines)


@dataclass(frozen=True)
class Counting(LocalFolder):
    """A disk that tells what is read and hashed."""

    touched: list[str] = field(default_factory=list)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        self.touched.append(path)
        return super().read(path, max_bytes)

    def hash(self, path: str) -> str | None:
        self.touched.append(path)
        return super().hash(path)


@pytest.mark.parametrize("depth", ["index", "signal"])
def test_the_urdf_of_a_robot_is_read_once_for_all_episodes(tmp_path: Path, depth: Depth) -> None:
    one_stream = {"joint_states": streams()["joint_states"]}
    ids = [EPISODE_ID[:-1] + digit for digit in "012"]
    root = write_dataset(tmp_path, *((one_stream, Take(episode_id=name)) for name in ids))
    (root / "robots" / "arm" / "other.urdf").write_bytes(b"mail jane.roe@robots-lab.cn")
    disk = Counting(root)
    *_, facts = measure_whole(disk, depth, Cache(None), MeasureProgress(None), SerialEngine())
    assert disk.touched.count("robots/arm/arm.urdf") == 1
    assert states(facts, "urdf_digest") == states(facts, "urdf_joints") == {"equal"}
    if depth == "signal":
        assert one(facts, "file", path="robots/arm/arm.urdf")["sha256_ok"] is True
        assert "robots/arm/other.urdf" in {row["path"] for row in facts.tables["text"]}


def test_tables_of_a_depth_are_there_and_others_are_not(clean: Path) -> None:
    index, signal, full = (set(measured(clean, depth)[EPISODE_ID].tables) for depth in ("index", "signal", "full"))
    assert signal - index == {"audio", "dim", "geometry", "kin", "pair", "segment", "signature", "span", "text"}
    assert full - signal == {"cloud", "frame"}
    row = one(measured(clean, "index")[EPISODE_ID], "stream", stream="joint_states")
    assert (row["n"], row["rate_hz"], row["undetermined"]["rate_hz"]) == (400, None, "needs depth signal")


def test_numbers_of_a_clean_take_are_those_it_was_made_with(clean: Path) -> None:
    facts = measured(clean)[EPISODE_ID]
    row = one(facts, "stream", stream="joint_states")
    assert (row["n"], row["rate_hz"], row["jitter_ratio"], row["lost_n"], row["reversals"]) == (400, 100, 0, 0, 0)
    assert (row["stamp_source"], row["first_stamp_ns"]) == ("header", str(START_NS))
    assert (row["header_log_p95_ns"], row["drift_ns"], row["span_covered_ratio"]) == ("1000000", "0", 1)
    assert (row["unit_declared"], row["unit_si"], row["control_rate_ratio"]) == (True, True, 1)
    assert (row["loss_declared"], row["sequence_gaps"], row["schema_ok"]) == (True, 0, True)
    camera = one(facts, "frame", stream="cam_front")
    assert (camera["decoded"], camera["failed"], camera["width"], camera["size_ok"]) == (40, 0, 64, True)
    depth = one(facts, "frame", stream="depth")
    assert (depth["kind"], depth["valid_p50_m"], depth["unit_ok"]) == ("depth", 0.7, True)
    joint = one(facts, "dim", stream="joint_states", field="position", name="j1")
    assert joint["max"] == pytest.approx(0.5, abs=1e-4)
    assert {row["child_frame"] for row in facts.tables["stream"] if row["stream"] == "tf"} == {"base", "tool", "cam"}
    assert one(facts, "pair", kind="sync", a="ee_pose")["p95_ms"] == 0
    assert one(facts, "pair", kind="sync", a="depth")["b"] == "cam_front"  # cameras, in no group
    places = {str(row["kind"]) for row in facts.tables["span"]}
    assert places <= {"tool_speed", "tool_acceleration", "jump", "apart"}  # the largest, no faults; a pose of no link


def test_a_stream_over_several_files_is_one_stream(clean: Path, tmp_path: Path) -> None:
    root = write_dataset(tmp_path, (streams(), Take(files_n=3)))
    one_file, three_files = measured(clean)[EPISODE_ID], measured(root)[EPISODE_ID]
    for table in ("stream", "dim", "frame", "pair", "signature"):
        assert one_file.tables[table] == three_files.tables[table]
    assert len(three_files.tables["container"]) == 3


@pytest.mark.parametrize("compression", ["none", "lz4"])
def test_how_a_file_is_cut_and_packed_changes_no_number(clean: Path, tmp_path: Path, compression: Any) -> None:
    root = write_dataset(tmp_path, (streams(), Take(compression=compression, chunk_bytes=3000)))
    for table in ("stream", "dim", "frame", "pair", "signature"):
        assert measured(clean)[EPISODE_ID].tables[table] == measured(root)[EPISODE_ID].tables[table]


def drop(specs: Specs) -> None:
    del specs["cam_front"].messages[10:14]


def freeze(specs: Specs) -> None:
    messages = specs["cam_front"].messages
    for message in messages[10:21]:
        message.fields = {**messages[10].fields, "header": message.fields["header"]}


def jump_back(specs: Specs) -> None:
    for message in specs["joint_states"].messages[200:]:
        message.fields = {
            **message.fields,
            "header": {"stamp": shifted(message.stamp_ns, -500_000_000), "frame_id": ""},
        }


def shifted(stamp_ns: int, by_ns: int) -> dict[str, int]:
    return {"sec": (stamp_ns + by_ns) // SECOND_NS, "nanosec": (stamp_ns + by_ns) % SECOND_NS}


def stick(specs: Specs) -> None:
    for message in specs["joint_states"].messages:
        position = np.array(message.fields["position"], np.float64)
        position[1] = 0.3
        message.fields = {**message.fields, "position": position}


def wrong_unit(specs: Specs) -> None:
    specs["depth"].entry["unit"] = "m"


def put_nan(specs: Specs) -> None:
    for message in specs["joint_states"].messages[50:53]:
        position = np.array(message.fields["position"], np.float64)
        position[0] = np.nan
        message.fields = {**message.fields, "position": position}


def delay(specs: Specs) -> None:
    for message in specs["ee_pose"].messages:
        message.log_ns += 300_000_000


def rename(specs: Specs) -> None:
    specs["joint_states"].messages[7].fields["name"] = ["j1", "j2", "other"]


def lose_sequence(specs: Specs) -> None:
    for message in specs["ee_pose"].messages[100:]:
        message.sequence += 5


def blacken(specs: Specs) -> None:
    for message in specs["cam_front"].messages[3:12]:
        message.fields = jpeg_message(message.stamp_ns, np.zeros((48, 64, 3), np.uint8))


def copy_state(specs: Specs) -> None:
    for command, state in zip(specs["joint_commands"].messages, specs["joint_states"].messages, strict=True):
        command.fields = state.fields


def split_tree(specs: Specs) -> None:
    for message in specs["tf"].messages:
        transforms: Any = message.fields["transforms"]
        transforms[1]["header"]["frame_id"] = "elsewhere"


def grow_array(specs: Specs) -> None:
    message = specs["joint_states"].messages[9]
    message.fields = {**message.fields, "velocity": np.zeros(2)}


FAULTS: dict[str, tuple[Callable[[Specs], None], str, dict[str, object], dict[str, object]]] = {
    "dropped": (drop, "stream", {"stream": "cam_front"}, {"lost_n": 4, "lost_ratio": 0.1, "max_gap_periods": 5}),
    "frozen": (freeze, "frame", {"stream": "cam_front"}, {"frozen_n": 10, "longest_frozen_s": 1, "frozen_spans_n": 1}),
    "frozen moving": (freeze, "pair", {"kind": "motion_freeze", "a": "cam_front"}, {"frozen_moving_s": 1}),
    "frozen span": (freeze, "span", {"kind": "frozen"}, {"value": 1, "total_n": 1}),
    "back": (jump_back, "stream", {"stream": "joint_states"}, {"reversals": 1, "drift_ns": "500000000"}),
    "back span": (jump_back, "span", {"kind": "reversal"}, {"stream": "joint_states", "value": 490_000_000}),
    "stuck": (stick, "pair", {"kind": "command_state", "name": "j2"}, {"stuck": True, "state_range": 0}),
    "stuck span": (stick, "span", {"kind": "stuck"}, {"stream": "joint_states", "total_n": 1}),
    "unit": (wrong_unit, "frame", {"stream": "depth"}, {"unit_ok": False, "unit_guess": "mm", "valid_p50_m": 700}),
    "nan": (put_nan, "dim", {"stream": "joint_states", "field": "position", "name": "j1"}, {"nan_n": 3, "n": 400}),
    "nan span": (put_nan, "span", {"kind": "nan"}, {"stream": "joint_states", "value": 3}),
    "late": (delay, "stream", {"stream": "ee_pose"}, {"header_log_p95_ns": "301000000"}),
    "late span": (delay, "span", {"kind": "late"}, {"stream": "ee_pose", "total_n": 1}),
    "names": (rename, "stream", {"stream": "joint_states"}, {"names_changes_n": 2}),
    "shape": (grow_array, "stream", {"stream": "joint_states"}, {"shape_changes_n": 2}),
    "sequence": (lose_sequence, "stream", {"stream": "ee_pose"}, {"sequence_gaps": 1, "sequence_lost": 5}),
    "black": (blacken, "frame", {"stream": "cam_front"}, {"black_run_n": 1, "white_run_n": 0}),
    "identical": (copy_state, "pair", {"kind": "identical"}, {"equal_ratio": 1}),
    "tree": (split_tree, "link", {"kind": "frame_tree"}, {"state": "different", "found": "several_roots"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_where_it_was_made(clean: Path, tmp_path: Path, name: str) -> None:
    change, table, key, expected = FAULTS[name]
    specs = streams()
    change(specs)
    row = one(measured(write_dataset(tmp_path, (specs, Take())))[EPISODE_ID], table, **key)
    assert {column: row[column] for column in expected} == expected
    before = [item for item in measured(clean)[EPISODE_ID].tables[table] if all(item[n] == v for n, v in key.items())]
    assert all(any(item[column] != value for column, value in expected.items()) for item in before)


def test_topics_that_are_declared_and_absent_or_recorded_and_undeclared(tmp_path: Path) -> None:
    specs = streams()
    specs["ee_pose"].messages.clear()
    extra = periodic(declared("x", "/extra", "std_msgs/msg/String", "event", 10), lambda i, _: {"data": f"{i}"})
    facts = measured(write_dataset(tmp_path, (specs, Take(undeclared=(extra,)))))[EPISODE_ID]
    absent, present = one(facts, "stream", stream="ee_pose"), one(facts, "stream", stream="/extra")
    assert (absent["declared"], absent["present"], absent["n"]) == (True, False, 0)
    assert (present["declared"], present["present"], present["cadence"], present["jitter_ratio"]) == (
        False,
        True,
        None,
        None,
    )
    assert present["undetermined"]["cadence"] == "the stream is not declared"
    assert one(facts, "link", kind="stream_topic", target="/ee_pose")["state"] == "missing"
    assert one(facts, "link", kind="stream_topic", target="/extra")["state"] == "unexpected"


def test_equal_views_and_equal_episodes_are_named(tmp_path: Path) -> None:
    specs = streams()
    entry = declared("cam_wrist", "/cam_wrist/image", "sensor_msgs/msg/CompressedImage", "observation", 10)
    specs["cam_wrist"] = periodic(entry, lambda i, t: jpeg_message(t, colour_image(i)))
    found = measured(write_dataset(tmp_path, (specs, Take()), (specs, Take(episode_id=OTHER_ID))))
    row = one(found[EPISODE_ID], "pair", kind="view_duplicate", a="cam_front", b="cam_wrist")
    assert row["equal_ratio"] == 1
    duplicates = [item for item in found["dataset"].tables["link"] if item["kind"] == "duplicate_episode"]
    assert {(item["state"], item["target"]) for item in duplicates} == {
        ("duplicate", OTHER_ID),
        ("duplicate", EPISODE_ID),
    }


def edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("path", "old", "new", "kind"),
    [
        ("episodes/{id}/episode.json", b'"task_id": "pick"', b'"task_id": "other"', "reference"),
        ("episodes/{id}/episode.json", b'"capture_sha256": "', b'"capture_sha256": "0', "embedded_capture"),
        ("episodes/{id}/episode.json", b'"closing_sha256": "', b'"closing_sha256": "0', "embedded_closing"),
        ("episodes/{id}/episode.json", b'"episode_id": "0192', b'"episode_id": "1192', "id_unique"),
        ("episodes/{id}/episode.json", b'"messages_n": 400', b'"messages_n": 401', "totals"),
        ("dataset.json", b'"original_time": "2026', b'"original_time": "2027', "time_order"),
        ("dataset.json", b'"dataset_id": "0192f0c1-0000-7', b'"dataset_id": "0192f0c1-0000-4', "id_form"),
        ("robots/arm/robot.json", b'"j2"', b'"j9"', "urdf_joints"),
        ("robots/arm/arm.urdf", b"revolute", b"continuous", "urdf_digest"),
        ("robots/arm/robot.json", b'"c1"', b'"c2"', "reference"),
    ],
)
def test_documents_that_disagree(tmp_path: Path, path: str, old: bytes, new: bytes, kind: str) -> None:
    root = write_dataset(tmp_path)
    edit(root / path.format(id=EPISODE_ID), old, new)
    found = measured(root, "signal")
    assert any(states(facts, kind) - {"equal"} for facts in found.values())


def test_calibrations_and_joint_names_are_held_against_the_recording(tmp_path: Path) -> None:
    specs = streams()
    for message in specs["cam_front"].messages:
        message.fields = jpeg_message(message.stamp_ns, colour_image(0, (24, 32)))
    for message in specs["cam_info"].messages:
        message.fields["k"] = np.arange(9.0)
    for message in specs["joint_states"].messages:
        message.fields["name"] = ["a", "b", "c"]
    facts = measured(write_dataset(tmp_path, (specs, Take())))[EPISODE_ID]
    for kind in ("camera_resolution", "camera_info", "joint_state_names"):
        assert states(facts, kind) == {"different"}, kind
    assert one(facts, "frame", stream="cam_front")["size_ok"] is False


def test_files_are_listed_hashed_and_never_followed(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "set")
    episode = root / "episodes" / EPISODE_ID
    (tmp_path / "secret.mcap").write_bytes((episode / "data_000.mcap").read_bytes())
    files = [
        {"path": "../../../secret.mcap", "sha256": "0" * 64},
        {"path": "/etc/passwd", "sha256": "0" * 64},
        {"path": "link.mcap", "sha256": "0" * 64},
        {"path": "gone.mcap", "sha256": "0" * 64},
        {"path": "data_000.mcap", "sha256": "0" * 64},
    ]
    document = json.loads((episode / "episode.json").read_bytes())
    (episode / "episode.json").write_bytes(encoded({**document, "files": files}))
    (episode / "link.mcap").symlink_to(tmp_path / "secret.mcap")
    (episode / "more.mcap").write_bytes((episode / "data_000.mcap").read_bytes())
    (root / "stray.txt").write_bytes(b"x")
    os.mkfifo(episode / "pipe")
    found = measured(root)
    rows = {str(row["path"]): row for row in found["dataset"].tables["file"]}
    home = f"episodes/{EPISODE_ID}/"
    told = {path.replace(home, ""): (row["listing"], row["path_problem"]) for path, row in rows.items()}
    assert told["../../../secret.mcap"] == ("missing", "parent")
    assert told["/etc/passwd"] == ("missing", "absolute")
    assert told["link.mcap"] == ("listed", "symlink")
    assert told["gone.mcap"] == ("missing", "none")
    assert told["more.mcap"] == ("unlisted", "none")
    assert told["stray.txt"] == ("unlisted", "none")
    assert told["pipe"] == ("unlisted", "not_regular")
    assert told["dataset.json"] == ("free", "none")
    for path in ("../../../secret.mcap", "/etc/passwd", home + "link.mcap", home + "pipe"):
        assert rows[path]["sha256"] is None
    assert rows[home + "data_000.mcap"]["sha256_ok"] is False
    assert one(found[EPISODE_ID], "stream", stream="joint_states")["n"] == 400  # the unlisted copy is no part of it


def test_documents_that_are_missing_or_broken_are_rows(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    (root / "governance.json").unlink()
    (root / "tasks.json").write_bytes(b'{"a": NaN}')
    (root / "robots" / "arm" / "robot.json").write_bytes(b"[" * 100_000)
    (root / "episodes" / EPISODE_ID / "episode.json").write_bytes(b'{"a": 1, "a": 2}')
    found = measured(root, "signal")
    problems = {str(row["kind"]): row["parse"] for facts in found.values() for row in facts.tables["document"]}
    assert problems["governance"] == "missing"
    assert problems["task"] == "non_finite"
    assert problems["robot"] == "too_deep"
    assert one(found[EPISODE_ID], "document", kind="episode")["parse"] == "duplicate_key"
    assert one(found[EPISODE_ID], "stream", stream="joint_states")["n"] == 400


def test_totals_of_a_sealed_dataset_are_counted(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    size = (root / "episodes" / EPISODE_ID / "data_000.mcap").stat().st_size
    totals = {"episodes": 1, "duration_s": 4.0, "size_bytes": size, "messages": 1180, "excluded_episodes": 0}
    edit(root / "dataset.json", b"{", b'{"totals": ' + encoded({**totals}) + b",")
    assert states(measured(root, "signal")["dataset"], "totals") == {"equal"}
    edit(root / "dataset.json", b'"messages": 1180', b'"messages": 1181')
    rows = [row for row in measured(root, "signal")["dataset"].tables["link"] if row["kind"] == "totals"]
    assert [row["target"] for row in rows if row["state"] == "different"] == ["totals.messages"]


def test_one_episode_alone(clean: Path) -> None:
    (facts,) = measured(clean / "episodes" / EPISODE_ID).values()
    assert (facts.scope, facts.subject) == (EPISODE_ID, "episode")
    assert {row["listing"] for row in facts.tables["file"]} == {"listed", "free"}
    whole = measured(clean)[EPISODE_ID]
    for table in ("stream", "dim", "frame", "pair", "span"):
        assert facts.tables[table] == whole.tables[table]
    assert not states(facts, "reference")


def test_a_bare_file_invents_nothing(tmp_path: Path) -> None:
    (path,) = write_data(tmp_path, streams(), Take(embed=False))
    (facts,) = measured(path).values()
    assert (facts.scope, facts.subject) == ("bare", "bare")
    row = one(facts, "stream", stream="/joint_states")
    assert (row["n"], row["rate_hz"], row["cadence"], row["lost_n"]) == (400, 100, None, None)
    assert row["undetermined"]["cadence"] == "no contract is embedded"
    assert row["undetermined"]["lost_n"] == "no nominal rate is declared"
    assert [row["path"] for row in facts.tables["file"]] == [path.name]
    assert one(facts, "frame", stream="/cam_front/image/compressed")["decoded"] == 40


def test_a_bare_file_with_its_documents_knows_its_contract(tmp_path: Path) -> None:
    (path,) = write_data(tmp_path, streams(), Take())
    (facts,) = measured(path).values()
    assert one(facts, "stream", stream="joint_states")["lost_n"] == 0
    assert {row["kind"] for row in facts.tables["document"]} == {"capture", "closing", "calibration"}


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x")
    for path in (tmp_path / "absent", tmp_path / "notes.txt", tmp_path):
        with pytest.raises(UsageError):
            measure_path(path)


def test_depth_images_in_metres_and_millimetres_are_told_apart(tmp_path: Path) -> None:
    specs = streams()
    for index, message in enumerate(specs["depth"].messages):
        message.fields = depth_message(message.stamp_ns, index, value=3)
    row = one(measured(write_dataset(tmp_path, (specs, Take())))[EPISODE_ID], "frame", stream="depth")
    assert (row["unit_declared"], row["unit_guess"], row["unit_ok"]) == ("mm", "m", False)


def test_an_episode_whose_data_are_missing_or_barred_says_so(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    data = root / "episodes" / EPISODE_ID / "data_000.mcap"
    data.unlink()
    facts = measured(root)[EPISODE_ID]
    assert [row["reason"] for row in facts.tables["error"]] == ["a data file is missing or is not opened"]
    assert states(facts, "stream_topic") == {"missing"}
    row = one(facts, "coverage", path=f"episodes/{EPISODE_ID}/{data.name}")
    assert (row["seen"], row["opened"], row["reason"]) == (False, False, "a data file is missing or is not opened")
    data.symlink_to(root / "dataset.json")
    assert [row["path"] for row in measured(root)[EPISODE_ID].tables["error"]] == [f"episodes/{EPISODE_ID}/{data.name}"]


@pytest.mark.parametrize("path", ["dataset.json", "governance.json", f"episodes/{EPISODE_ID}/episode.json"])
def test_a_document_that_cannot_be_read_was_not_seen(tmp_path: Path, path: str) -> None:
    root = write_dataset(tmp_path)
    (root / path).write_bytes(b'{"schema_version": ')
    rows = [row for facts in measured(root).values() for row in facts.tables["coverage"] if row["path"] == path]
    assert [(row["opened"], row["decoded"], row["reason"]) for row in rows] == [
        (True, False, "the document cannot be read")
    ]


def test_what_is_derived_of_half_a_recording_is_as_incomplete_as_the_recording(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    data = root / "episodes" / EPISODE_ID / "data_000.mcap"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    (row,) = measured(root)[EPISODE_ID].tables["error"]
    assert {"dim", "kin", "cloud", "geometry"} <= set(row["tables"])


def test_a_bag_file_is_known_by_its_content_and_opened_under_any_name(tmp_path: Path) -> None:
    (path,) = write_data(tmp_path, streams(), Take(embed=False))
    renamed = path.rename(tmp_path / "recording")
    assert one(measured(renamed)["bare"], "stream", stream="/joint_states")["n"] == 400
    renamed.rename(tmp_path / "bag_12:30.mcap")
    facts = measured(tmp_path)["bare"]
    assert one(facts, "stream", stream="/joint_states")["n"] == 400
    assert one(facts, "file", path="bag_12:30.mcap")["path_problem"] == "unsafe_name"


def test_an_index_without_summary_is_read_whole(tmp_path: Path) -> None:
    (path,) = write_data(tmp_path, streams(), Take())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    (facts,) = measured(path, "index").values()
    assert one(facts, "container")["readable"] == "truncated"
    assert 0 < one(facts, "stream", stream="joint_states")["n"] < 400


def test_an_episode_that_descends_from_itself(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, (streams(), Take()), (streams(), Take(episode_id=OTHER_ID)))
    for own, parent in ((EPISODE_ID, OTHER_ID), (OTHER_ID, EPISODE_ID)):
        path = root / "episodes" / own / "episode.json"
        step = {"parent_id": parent, "operation": "trim"}
        path.write_bytes(encoded({**json.loads(path.read_bytes()), "lineage": [step]}))
    assert "out_of_order" in states(measured(root, "signal")["dataset"], "lineage")


@pytest.mark.parametrize(
    ("spoiled", "kinds"),
    [("dataset.json", {"dataset_id", "collection_id", "series_id"}), ("tasks.json", {"task_id"})],
)
@pytest.mark.parametrize("way", ["unreadable", "missing"])
def test_nothing_dangles_that_an_unreadable_document_would_name(
    tmp_path: Path, spoiled: str, kinds: set[str], way: str
) -> None:
    root = write_dataset(tmp_path / "set")
    if way == "missing":
        (root / spoiled).unlink()
    else:
        (root / spoiled).write_text("{nope")
    rows = [row for facts in measured(root, "index").values() for row in facts.tables["link"]]
    assert not [row for row in rows if row["state"] == "dangling"]
    told = {str(row["target"]).partition(":")[0] for row in rows if row["kind"] == "reference"}
    assert told
    assert not told & kinds
