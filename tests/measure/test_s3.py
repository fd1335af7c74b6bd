from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.verbs import run
from measure.object_store import BUCKET, Store, missing, object_store
from measure.synthetic import EPISODE_ID, START_NS, Take, definition, header, streams, write_dataset

from embodied_kit.cli.judging import profile_of
from embodied_kit.errors import UsageError
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import facts_lines, folder_at, make_engine, measure_path, subject_of
from embodied_kit.measure.places.s3 import S3Folder, S3Source, s3_path
from embodied_kit.measure.places.walk import list_folder
from embodied_kit.messages.codec import codec
from embodied_kit.model.facts import Depth

WHY = missing()
pytestmark = pytest.mark.skipif(bool(WHY), reason=WHY)
S3 = Path(f"s3://{BUCKET}")
IMAGE = "sensor_msgs/msg/CompressedImage"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch, object_store(tmp_path_factory.mktemp("swift")) as running:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Path:
    root = write_dataset(tmp_path_factory.mktemp("set"))
    store.upload(root, "set")
    return root


def lines(path: Path, depth: Depth = "signal", cache: Path | None = None, *, trust_index: bool = True) -> bytes:
    return b"".join(facts_lines(measure_path(path, depth=depth, cache=cache, trust_index=trust_index)))


@pytest.mark.parametrize("depth", ["index", "signal", "full"])
def test_a_dataset_in_a_store_has_the_facts_of_the_same_on_disk(local: Path, depth: Depth) -> None:
    assert lines(S3 / "set", depth) == lines(local, depth)


def test_an_episode_a_bag_and_a_file_in_a_store_too(local: Path, store: Store) -> None:
    episode = Path("episodes") / EPISODE_ID
    assert lines(S3 / "set" / episode) == lines(local / episode)
    assert lines(S3 / "set" / episode / "data_000.mcap") == lines(local / episode / "data_000.mcap")
    store.put("bag/12:30.mcap", (local / episode / "data_000.mcap").read_bytes())
    (facts,) = measure_path(S3 / "bag", depth="signal")
    assert facts.tables["stream"]
    assert [subject_of(S3 / name) for name in ("set", f"set/{episode}", "bag")] == ["dataset", "episode", "bare"]


def test_workers_read_from_the_store(local: Path, store: Store, tmp_path: Path) -> None:
    ids = [f"0192f0c1-8a3b-7c1d-9e2f-0000000000{number:02x}" for number in range(4)]
    one = {"joint_states": streams()["joint_states"]}
    root = write_dataset(tmp_path / "four", *((one, Take(episode_id=number)) for number in ids))
    store.upload(root, "four")
    found = measure_path(S3 / "four", depth="signal", engine=make_engine("processes", 2))
    assert b"".join(facts_lines(found)) == lines(root)


def test_what_was_measured_is_not_read_again_and_what_changed_is(local: Path, store: Store, tmp_path: Path) -> None:
    key = f"again/episodes/{EPISODE_ID}/data_000.mcap"
    store.upload(local, "again")
    first = lines(S3 / "again", cache=tmp_path)
    kept = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert lines(S3 / "again", cache=tmp_path) == first
    assert lines(S3 / "again", cache=tmp_path, trust_index=False) == first
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == kept
    data = bytearray((local / "episodes" / EPISODE_ID / "data_000.mcap").read_bytes())
    data[len(data) // 2] ^= 1
    store.put(key, bytes(data) + b"x")
    assert lines(S3 / "again", cache=tmp_path) != first


def test_depth_index_reads_a_small_part_of_a_camera_episode(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "camera.mcap"
    rng = np.random.default_rng(7)
    with McapWriter(path, chunk_bytes=2**20) as writer:
        channel = writer.add_channel("/camera", writer.add_schema(IMAGE, "ros2msg", definition(IMAGE)))
        for number in range(200):
            image = {"header": header(START_NS), "format": "jpeg", "data": rng.integers(0, 255, 60_000, np.uint8)}
            writer.write(channel, START_NS + number, START_NS, number, codec(IMAGE).encode(image))
    store.put("camera.mcap", path.read_bytes())
    opened: list[S3Source] = []

    class Watched(S3Folder):
        def open(self, path: str) -> S3Source:
            opened.append(S3Source(f"{self.base}/{path}"))
            return opened[-1]

    from embodied_kit.measure.bare import measure_bare  # noqa: PLC0415
    from embodied_kit.measure.kept.cache import Cache  # noqa: PLC0415
    from embodied_kit.measure.places.walk import make_entry  # noqa: PLC0415
    from embodied_kit.measure.progress import MeasureProgress  # noqa: PLC0415

    entry = make_entry("camera.mcap", path.stat().st_size, "none")
    (facts,) = measure_bare(Watched(BUCKET), entry, "index", Cache(None), MeasureProgress(None))
    (row,) = facts.tables["stream"]
    assert row["n"] == 200
    assert 0 < sum(source.read_bytes for source in opened) <= 0.02 * path.stat().st_size
    assert b"".join(facts_lines([facts])) == lines(path, "index")


def test_unsafe_keys_are_named_and_never_opened(store: Store) -> None:
    for key in (
        "odd/dataset.json",
        "odd/a/../../secret",
        "odd/con:.json",
        "odd/README",
        "odd/readme",
        "odd/.embodied/x",
    ):
        store.put(key.replace(":", "%3A"), b"{}")
    found = {entry.path: (entry.problem, entry.size) for entry in S3Folder(f"{BUCKET}/odd").entries()}
    assert found.pop("a/../../secret", ("parent", None)) == ("parent", None)
    assert found == {
        "README": ("case_clash", 2),
        "con:.json": ("unsafe_name", None),
        "dataset.json": ("none", 2),
        "readme": ("case_clash", 2),
    }


def test_the_listing_is_that_of_a_disk(local: Path) -> None:
    assert list(S3Folder(f"{BUCKET}/set").entries()) == list(list_folder(local))


@pytest.mark.parametrize(
    ("origin", "embodiment", "profile"),
    [("sim", "humanoid", "sim@1.0"), ("real", "humanoid", "humanoid@1.0"), ("real", "single_arm", "arm@1.0")],
)
def test_the_profile_is_chosen_by_documents_wherever_they_lie(
    store: Store, tmp_path: Path, origin: str, embodiment: str, profile: str
) -> None:
    robot = tmp_path / "robots" / "r1" / "robot.json"
    robot.parent.mkdir(parents=True)
    (tmp_path / "robots" / "r0").write_text("no folder", encoding="utf-8")
    assert profile_of(tmp_path) == ""
    (tmp_path / "dataset.json").write_text(json.dumps({"data_origin": origin}), encoding="utf-8")
    robot.write_text(json.dumps({"embodiment_class": embodiment}), encoding="utf-8")
    store.upload(tmp_path, f"{origin}-{embodiment}")
    in_store = S3 / f"{origin}-{embodiment}"
    assert profile_of(tmp_path) == profile_of(in_store) == profile
    assert f"profile {profile}" in run("validate", str(in_store), "--depth", "index").out


def test_names_are_those_of_a_disk(local: Path) -> None:
    for inside in ("", "robots", "robots/arm", "nothing", "dataset.json"):
        assert folder_at(S3 / "set").names(inside) == folder_at(local).names(inside)
    assert profile_of(local / "episodes" / EPISODE_ID) == profile_of(S3 / "set" / "episodes" / EPISODE_ID) == ""


def test_an_object_that_changes_or_vanishes_is_an_error(local: Path, store: Store) -> None:
    path = local / "episodes" / EPISODE_ID / "data_000.mcap"
    store.put("gone.mcap", path.read_bytes())
    source = S3Source(f"{BUCKET}/gone.mcap")
    store.delete("gone.mcap")
    with pytest.raises(FileNotFoundError, match="gone"):
        source.size_now()
    source.close()
    with pytest.raises(UsageError):
        S3Source(f"{BUCKET}/gone.mcap")


@pytest.mark.parametrize("name", ["nothing/here", "nothing.mcap"])
def test_what_is_not_there_is_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError):
        measure_path(S3 / name)


def test_a_store_that_is_not_there_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError):
        measure_path(S3 / "set")


def test_paths_of_a_store_are_told_from_others() -> None:
    assert s3_path(Path("s3://bucket/a/b")) == s3_path("s3://bucket/a/b/") == "bucket/a/b"
    assert [s3_path(Path(text)) for text in ("s3", "a/s3:/b", "/s3:/b", "s3://")] == [None] * 4
