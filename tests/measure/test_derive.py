from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measure.synthetic import DURATION_S, EPISODE_ID, START_NS, URDF, encoded, joint_values, write_dataset
from measure.test_cache import opened_data_files

from embodied_kit.measure import facts_lines, measure_path
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.declared.given import Given, GivenLayer, GivenRobot
from embodied_kit.measure.derived.derive import DeriveInput, Deriver, derive, derived_key
from embodied_kit.measure.derived.tracks import Tracks
from embodied_kit.measure.kept.recording import Recording, read_recording, recording_of, write_recording
from embodied_kit.measure.places.location import DataFile, LocalFolder
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.scan import EpisodeScan
from embodied_kit.model.facts import Facts

ROBOT_URDF = Path("robots/arm/arm.urdf")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "set")


def scanned(root: Path, store: ColumnStore) -> Episode:
    scan = EpisodeScan(store, "full")
    scan.add_file(
        DataFile(LocalFolder(root / "episodes" / EPISODE_ID), "data_000.mcap", "data_000.mcap"), "data_000.mcap"
    )
    return Episode(EPISODE_ID, "full", scan)


def episode_of(facts: Sequence[Facts]) -> Facts:
    return next(unit for unit in facts if unit.scope == EPISODE_ID)


def test_a_recording_holds_every_numeric_field_and_comes_back_to_the_bit(root: Path, tmp_path: Path) -> None:
    with ColumnStore() as store:
        recording = recording_of(scanned(root, store))
        (states,) = recording.tracks.of("joint_states", "position")
        loaded = states.load()
        assert states.names == ("j1", "j2", "grip")
        assert len(loaded.stamps) == states.n == 100 * DURATION_S
        assert (loaded.values == np.array([joint_values(t) for t in loaded.stamps.tolist()])).all()
        fields = {(item.stream, item.field) for item in recording.tracks.kept}
        assert {("ee_pose", "pose.position"), ("ee_pose", "pose.orientation"), ("joint_commands", "velocity")} <= fields
        write_recording(recording, tmp_path / "kept.parquet")
        kept = read_recording(tmp_path / "kept.parquet")
        assert kept is not None
        assert (kept.streams, kept.embedded, kept.span) == (recording.streams, recording.embedded, recording.span)
        assert kept.span == (START_NS, START_NS + DURATION_S * 10**9)
        assert kept.embedded.robots[0].urdf == URDF
        for here, there in zip(recording.tracks.kept, kept.tracks.kept, strict=True):
            assert replace(here, load=there.load) == there
            first, second = here.load(), there.load()
            assert first.names == second.names
            assert first.stamps.tobytes() == second.stamps.tobytes()
            assert first.values.tobytes() == second.values.tobytes()


def test_a_track_for_which_there_is_no_room_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embodied_kit.measure.derived.tracks.MAX_KEPT_VALUES", 3 * 100 * DURATION_S)
    with ColumnStore() as store:
        tracks = recording_of(scanned(root, store)).tracks
    assert [(item.stream, item.field) for item in tracks.kept][:1] == [("joint_states", "position")]
    assert {"joint_states", "joint_commands", "ee_pose"} <= set(tracks.left_out)


def test_what_the_folder_holds_goes_before_what_the_data_files_carry() -> None:
    embedded = Given((GivenRobot({"robot_id": "a"}, b"x"),), ({"calibration_id": "c"},))
    assert Given().over(embedded) == embedded
    mine = Given((GivenRobot({"robot_id": "b"}, None),))
    assert mine.over(embedded) == Given(mine.robots, embedded.calibrations)


def test_the_key_of_derived_tables_tells_every_input_apart() -> None:
    robot = GivenRobot({"robot_id": "a"}, b"x")
    layer = GivenLayer("annotations/skills/e.json", {"layer_id": "skills"}, {"skill_segments": []})
    inputs = [
        Given(),
        Given((robot,)),
        Given((replace(robot, urdf=b"y"),)),
        Given((replace(robot, document={"robot_id": "a", "robot_model": "m"}),)),
        Given((robot,), ({"calibration_id": "c"},)),
        Given((robot,), (), (layer,)),
        Given((robot,), (), (replace(layer, layer={}),)),
    ]
    older, newer = (Deriver("kin", version, "signal", (), lambda _: {}) for version in (1, 2))
    keys = [derived_key("k", given, (older,)) for given in inputs]
    keys += [derived_key("k", Given(), (newer,)), derived_key("l", Given(), (older,)), derived_key("k", Given(), ())]
    assert len(set(keys)) == len(keys)


def test_a_deriver_that_fails_makes_its_tables_undecided_and_no_others() -> None:
    def broken(_: DeriveInput) -> dict[str, list[object]]:
        raise ZeroDivisionError

    def whole(known: DeriveInput) -> dict[str, list[object]]:
        return {"pair": [make_row("pair", {"kind": "lag", "a": "a", "b": "b", "name": ""}, episode=known.episode_id)]}

    derivers = (
        Deriver("one", 1, "signal", ("pair",), broken),
        Deriver("two", 1, "signal", ("pair",), whole),
        Deriver("three", 1, "full", ("frame",), broken),
    )
    tables = derive(Recording(Tracks()), Given(), {}, episode_id="e", depth="signal", derivers=derivers)
    assert [row["kind"] for row in tables["pair"]] == ["lag"]
    assert [(row["measurer"], row["tables"], row["reason"]) for row in tables["error"]] == [
        ("one", ["pair"], "the measure failed: ZeroDivisionError")
    ]
    assert set(tables) == {"pair", "error"}


def test_a_changed_urdf_is_derived_again_without_opening_a_data_file(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = list(measure_path(root, cache=cache, trust_index=True))
    (root / ROBOT_URDF).write_bytes(URDF.replace(b'name="arm"', b'name="other"'))
    with opened_data_files() as opened:
        second = list(measure_path(root, cache=cache, trust_index=True))
        assert [name for name in opened if EPISODE_ID in name] == []
    assert episode_of(first).key != episode_of(second).key
    assert list(facts_lines(second)) == list(facts_lines(measure_path(root, cache=None)))


def test_a_layer_or_calibration_is_part_of_the_key(root: Path, tmp_path: Path) -> None:
    keys = [episode_of(list(measure_path(root, cache=tmp_path / "cache", trust_index=True))).key]
    for path, content in (
        ("robots/arm/calibration/c1.json", {"calibration_id": "c1", "robot_id": "arm", "cameras": []}),
        ("annotations/skills/layer.json", {"layer_id": "skills"}),
        (f"annotations/skills/{EPISODE_ID}.json", {"layer_id": "skills", "episode_id": EPISODE_ID}),
        ("annotations/skills/other.json", {"layer_id": "skills", "episode_id": "other"}),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(encoded(content))
        facts = list(measure_path(root, cache=tmp_path / "cache", trust_index=True))
        keys.append(episode_of(facts).key)
    assert len(set(keys)) == 2 + 1  # a layer.json without a word on the episode changes nothing, nor does another's


def test_tracks_that_are_lost_or_damaged_are_made_again(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    list(measure_path(root, cache=cache, trust_index=True))
    for content in (b"PAR1 damaged", None):
        (kept,) = cache.rglob("*.parquet")
        kept.unlink() if content is None else kept.write_bytes(content)
        urdf = (root / ROBOT_URDF).read_bytes()
        (root / ROBOT_URDF).write_bytes(urdf + b"\n")
        with opened_data_files() as opened:
            found = list(measure_path(root, cache=cache, trust_index=True))
            assert [name for name in opened if EPISODE_ID in name]
        assert list(facts_lines(found)) == list(facts_lines(measure_path(root, cache=None)))


def test_a_kept_file_that_is_none_is_not_believed(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as the code does
    from pyarrow import parquet  # noqa: PLC0415

    names = ("stream", "publisher", "ros_type", "field", "names", "n")
    parquet.write_table(pa.table({name: [] for name in names}), tmp_path / "x.parquet")
    assert read_recording(tmp_path / "x.parquet") is None
