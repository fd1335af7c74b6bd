"""Importing rosbag2: what a bag holds arrives byte for byte, or one line says why not and nothing is left behind."""

from __future__ import annotations

import dataclasses
import gc
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import yaml
import zstandard
from convert import support
from convert.support import HELLOS, dataset_in, episode_json, imported, messages_in, tree, write_mcap, write_sqlite
from mcap.reader import make_reader
from mcap.writer import CompressionType
from rosbags.rosbag2 import Reader

from embodied_kit.canonical import load_json, parse_json
from embodied_kit.convert import rosbag2_zstd
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.rebuild import rebuild
from embodied_kit.errors import DataError, EmbodiedKitError, EnvironmentUnfitError, UsageError
from embodied_kit.spec import check, standard

REFUSED = {
    "empty_bag": "empty one",
    "empty_bag/empty_bag_0.db3": "empty one",
    "rosbag2_cpp/bags": "data files of one bag",
    "mcap/wrong_rmw_test": "wrong_format",
    "mcap/wrong_rmw_test/wrong_rmw_test_0.mcap": "wrong_format",
    "sqlite3/wrong_rmw_test": "wrong_format",
}
real = pytest.mark.skipif(not support.REAL.is_dir(), reason=support.ABSENT)


ENDLESS_VIEW = """ALTER TABLE messages RENAME TO m; CREATE VIEW messages AS
    WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r)
    SELECT id, 1 AS topic_id, id AS timestamp, x'00' AS data FROM r"""


def metadata(folder: Path, names: list[str], **changes: object) -> dict[str, object]:
    information = {
        "version": 5,
        "storage_identifier": "mcap",
        "relative_file_paths": names,
        "compression_mode": "",
        "starting_time": {"nanoseconds_since_epoch": 9223372036854775807},
        **changes,
    }
    document: dict[str, object] = {"rosbag2_bagfile_information": information}
    (folder / "metadata.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return document


def refused(bag: Path, dataset: Dataset, kind: type[EmbodiedKitError] = DataError) -> str:
    """The one line with which a bag is refused; the dataset must be as it was."""
    before = tree(dataset.root)
    with pytest.raises(kind) as caught:
        imported(bag, dataset)
    assert tree(dataset.root) == before
    assert not (dataset.root / ".embodied" / "recording").is_dir() or not any(
        (dataset.root / ".embodied" / "recording").iterdir()
    )
    assert "\n" not in caught.value.message
    assert caught.value.exit_code in {1, 2}
    return caught.value.message


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return dataset_in(tmp_path)


@real
@pytest.mark.parametrize("bag", support.real_bags(), ids=lambda path: "/".join(path.parts[-3:]))
def test_real_bag_arrives_byte_for_byte_or_one_line_says_why(bag: Path, dataset: Dataset) -> None:
    reasons = [reason for end, reason in REFUSED.items() if str(bag).endswith("/" + end)]
    if reasons:
        assert reasons[0] in refused(bag, dataset, EmbodiedKitError)
        return
    folder = imported(bag, dataset)
    expected = [message for path in support.data_files(bag) for message in messages_in(path)]
    assert expected
    assert messages_in(folder / "data_000.mcap") == expected
    with Reader(folder) as reader:
        assert reader.message_count == len(expected)
        read = sorted((connection.topic, stamp_ns, data) for connection, stamp_ns, data in reader.messages())
    assert read == sorted((message.topic, message.log_ns, message.cdr) for message in expected)


@real
def test_the_real_bags_cover_versions_4_to_8_and_both_storages() -> None:
    bags = support.real_bags()
    versions = {
        yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]["version"]
        for bag in bags
        if (bag / "metadata.yaml").is_file()
    }
    assert versions >= {4, 5, 6, 7, 8}
    assert {bag.suffix for bag in bags} == {"", ".mcap", ".db3"}


@pytest.mark.parametrize("suffix", support.STORAGES)
def test_what_is_imported_satisfies_the_standard_and_invents_nothing(
    suffix: str, tmp_path: Path, dataset: Dataset
) -> None:
    bag = tmp_path / f"bag{suffix}"
    (write_mcap if suffix == ".mcap" else write_sqlite)(bag)
    folder = imported(bag, dataset)
    document = episode_json(folder)
    with (folder / "data_000.mcap").open("rb") as file:
        attachments = {a.name: a.data for a in make_reader(file, validate_crcs=True).iter_attachments()}
    documents = {name: parse_json(data).value for name, data in attachments.items()}
    problems = {
        kind: check(kind, value, standard().document_schema(kind, "authoring"))
        for kind, value in [
            ("episode", document),
            ("capture", documents["capture.json"]),
            ("closing", documents["closing.json"]),
        ]
    }
    assert problems == {"episode": [], "capture": [], "closing": []}
    assert document["origin"] == "imported"
    assert document["imported_from"] == "rosbag2:bag"
    assert document["outcome"] == "unknown"
    assert {"task_id", "operator_pseudonym", "scene", "clock_source", "recorder_name"}.isdisjoint(document)
    assert [(s["stream_id"], s["topic"], s["messages_n"]) for s in document["streams"]] == [
        ("talk_0", "/talk_0", 250),
        ("talk_1", "/talk_1", 250),
    ]
    assert not {"role", "modality", "cadence", "nominal_rate_hz"} & set(document["streams"][0])
    assert [s["loss"]["queue"] for s in documents["closing.json"]["streams"]] == ["not_observable"] * 2
    assert document["start_ns"] == str(HELLOS[0].log_ns)
    assert document["end_ns"] == str(HELLOS[-1].log_ns)


def test_episode_document_comes_back_from_the_data_file_alone(tmp_path: Path, dataset: Dataset) -> None:
    folder = imported(write_mcap(tmp_path / "bag.mcap"), dataset)
    before = tree(folder)
    (folder / "episode.json").unlink()
    (folder / "metadata.yaml").unlink()
    assert [path.name for path in rebuild(dataset.root)] == ["episode.json", "metadata.yaml"]
    assert tree(folder) == before


def test_contract_names_roles_and_the_stream_ids_of_the_channels(tmp_path: Path, dataset: Dataset) -> None:
    stream = {"stream_id": "speech", "topic": "/talk_1", "ros_type": "std_msgs/msg/String", "role": "event"}
    contract = {"schema_version": "1.0.0", "contract_id": "c", "robots": ["arm_01"], "streams": [stream]}
    folder = imported(write_mcap(tmp_path / "bag.mcap"), dataset, contract)
    assert [(s["stream_id"], s["role"]) for s in episode_json(folder)["streams"]] == [("speech", "event")]
    with (folder / "data_000.mcap").open("rb") as file:
        reader = make_reader(file)
        ids = {c.topic: c.metadata["stream_id"] for c in reader.get_summary().channels.values()}
        closing_bytes = [a.data for a in reader.iter_attachments() if a.name == "closing.json"][-1]
    assert ids == {"/talk_0": "", "/talk_1": "speech"}
    assert [s["stream_id"] for s in parse_json(closing_bytes).value["streams"]] == ["speech"]


def test_topics_that_differ_by_punctuation_get_ids_of_their_own(tmp_path: Path, dataset: Dataset) -> None:
    topics = ["/a/b", "/a_b", "/A/b", "/a/b/2", "/a/b_2"]
    messages = [dataclasses.replace(HELLOS[index], topic=topic) for index, topic in enumerate(topics)]
    streams = episode_json(imported(write_mcap(tmp_path / "bag.mcap", messages), dataset))["streams"]
    assert {stream["topic"] for stream in streams} == set(topics)
    assert len({stream["stream_id"] for stream in streams}) == len(topics)


def test_log_time_zero_is_a_time(tmp_path: Path, dataset: Dataset) -> None:
    messages = [dataclasses.replace(HELLOS[index], log_ns=index * 10) for index in range(300)]
    document = episode_json(imported(write_mcap(tmp_path / "bag.mcap", messages), dataset))
    assert (document["start_ns"], document["end_ns"]) == ("0", "2990")


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_sqlite_schema_versions(version: int, tmp_path: Path, dataset: Dataset) -> None:
    folder = imported(write_sqlite(tmp_path / "bag.db3", version=version), dataset)
    assert [m.cdr for m in messages_in(folder / "data_000.mcap")] == [m.cdr for m in HELLOS]
    with (folder / "data_000.mcap").open("rb") as file:
        schemas = make_reader(file).get_summary().schemas.values()
    assert {schema.name: b"string data" in schema.data for schema in schemas} == {"std_msgs/msg/String": True}


QOS_9 = [
    {
        "history": "keep_last",
        "depth": 5,
        "reliability": "best_effort",
        "durability": "transient_local",
        "deadline": {"sec": 9223372036, "nsec": 854775807},
        "lifespan": {"sec": 9223372036, "nsec": 854775807},
        "liveliness": "automatic",
        "liveliness_lease_duration": {"sec": 9223372036, "nsec": 854775807},
        "avoid_ros_namespace_conventions": False,
    }
]


@pytest.mark.parametrize("suffix", support.STORAGES)
def test_version_9_bag_with_named_policies(suffix: str, tmp_path: Path, dataset: Dataset) -> None:
    bag = tmp_path / "nine"
    bag.mkdir()
    name = f"nine_0{suffix}"
    (write_mcap if suffix == ".mcap" else write_sqlite)(bag / name, qos=yaml.safe_dump(QOS_9))
    topic = {
        "name": "/talk_0",
        "type": "std_msgs/msg/String",
        "serialization_format": "cdr",
        "offered_qos_profiles": QOS_9,
        "type_description_hash": "",
    }
    metadata(
        bag,
        [name],
        version=9,
        compression_format="",
        custom_data=None,
        ros_distro="rolling",
        topics_with_message_count=[{"topic_metadata": topic, "message_count": 250}],
    )
    folder = imported(bag, dataset)
    assert [m.cdr for m in messages_in(folder / "data_000.mcap")] == [m.cdr for m in HELLOS]
    written = yaml.safe_load((folder / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert written["version"] == 8
    profiles = yaml.safe_load(written["topics_with_message_count"][0]["topic_metadata"]["offered_qos_profiles"])
    assert profiles == [{**QOS_9[0], "history": 1, "reliability": 2, "durability": 1, "liveliness": 1}]


def test_several_files_follow_each_other_as_metadata_says(tmp_path: Path, dataset: Dataset) -> None:
    bag = tmp_path / "split"
    bag.mkdir()
    write_mcap(bag / "b.mcap", HELLOS[:200])
    write_mcap(bag / "a.mcap", HELLOS[200:])
    metadata(bag, ["split/b.mcap", "split/a.mcap"], version=2)
    folder = imported(bag, dataset)
    assert messages_in(folder / "data_000.mcap") == list(HELLOS)
    with (folder / "data_000.mcap").open("rb") as file:
        assert len(make_reader(file).get_summary().channels) == 2


WRITERS = {".mcap": write_mcap, ".db3": write_sqlite}


@pytest.mark.parametrize("suffix", support.STORAGES)
@pytest.mark.parametrize("mode", ["FILE", "MESSAGE"])
def test_what_rosbag2_compressed_arrives_as_it_was(
    suffix: str, mode: str, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag, spare = tmp_path / "bag", tmp_path / "spare"
    bag.mkdir()
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    pack = zstandard.ZstdCompressor().compress
    names = []
    for number, messages in enumerate((HELLOS[:300], HELLOS[300:])):
        sent = [dataclasses.replace(m, cdr=pack(m.cdr)) for m in messages] if mode == "MESSAGE" else messages
        file = WRITERS[suffix](bag / f"bag_{number}{suffix}", sent)
        if mode == "FILE":
            (bag / f"{file.name}.zstd").write_bytes(pack(file.read_bytes()))
            file.unlink()
        names.append(file.name + ".zstd" * (mode == "FILE"))
    metadata(bag, names, compression_mode=mode, compression_format="zstd")
    folder = imported(bag, dataset)
    read = [m for file in sorted(folder.glob("data_*.mcap")) for m in messages_in(file)]
    assert [m.cdr for m in read] == [m.cdr for m in HELLOS]
    gc.collect()
    assert list(spare.iterdir()) == []


@pytest.mark.parametrize("keep", [3, 200])
def test_a_compressed_file_that_is_cut_off_is_refused(keep: int, tmp_path: Path, dataset: Dataset) -> None:
    whole = zstandard.ZstdCompressor().compress(write_mcap(tmp_path / "bag.mcap").read_bytes())
    (tmp_path / "bag.mcap.zstd").write_bytes(whole[:keep])
    assert "bag.mcap.zstd" in refused(tmp_path / "bag.mcap.zstd", dataset)


@pytest.mark.parametrize("is_told", [True, False], ids=["size in the header", "size not told"])
def test_a_file_that_would_fill_the_temporary_folder_is_refused(
    is_told: bool, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    monkeypatch.setattr(rosbag2_zstd, "_LEFT_FREE_BYTES", shutil.disk_usage(spare).free - 10_000_000)
    pack = zstandard.ZstdCompressor(write_content_size=is_told)
    bag = tmp_path / "bag.mcap.zstd"
    bag.write_bytes(pack.compress(bytes(300_000_000)))
    assert bag.stat().st_size < 100_000
    with pytest.raises(EnvironmentUnfitError, match=f"bytes free for {spare}"):
        imported(bag, dataset)
    assert list(spare.iterdir()) == []


@pytest.mark.parametrize("part", [0, 1, 7, 8, 100, 0.3, 0.5, 0.9, 0.999])
def test_truncated_mcap(part: float, tmp_path: Path, dataset: Dataset) -> None:
    bag = write_mcap(tmp_path / "bag.mcap")
    whole = bag.read_bytes()
    cut = whole[: part if isinstance(part, int) else int(len(whole) * part)]
    assert len(cut) < len(whole)
    bag.write_bytes(cut)
    assert "bag.mcap" in refused(bag, dataset)


@pytest.mark.parametrize("compression", [CompressionType.NONE, CompressionType.ZSTD])
def test_damaged_bytes_are_not_given_fresh_checksums(
    compression: CompressionType, tmp_path: Path, dataset: Dataset
) -> None:
    bag = write_mcap(tmp_path / "bag.mcap", compression=compression)
    data = bytearray(bag.read_bytes())
    place = data.index(b"hello 9") if compression == CompressionType.NONE else len(data) // 3
    data[place] ^= 0x10
    bag.write_bytes(data)
    assert "bag.mcap" in refused(bag, dataset)


def test_truncated_sqlite_says_so_or_loses_nothing(tmp_path: Path, dataset: Dataset) -> None:
    whole = write_sqlite(tmp_path / "whole.db3").read_bytes()
    refusals = 0
    for size in range(0, len(whole), 4096):
        bag = tmp_path / "bag.db3"
        bag.write_bytes(whole[:size])
        refused(bag, dataset)
        refusals += 1
    assert refusals > 5


@pytest.mark.parametrize("name", ["bag.mcap", "bag.db3"])
@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"SQLite format 3\0" + b"\7" * 5000, b"\x89MCAP0\r\n" * 700])
def test_garbage(name: str, content: bytes, tmp_path: Path, dataset: Dataset) -> None:
    bag = tmp_path / name
    bag.write_bytes(content)
    assert name in refused(bag, dataset)


def test_sqlite_with_a_write_ahead_log_is_not_read_without_it(tmp_path: Path, dataset: Dataset) -> None:
    bag = write_sqlite(tmp_path / "bag.db3", HELLOS[:10])
    with closing(sqlite3.connect(bag)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        with database:
            database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 5, x'00010000')")
        copy = tmp_path / "copy.db3"
        copy.write_bytes(bag.read_bytes())
        copy.with_name("copy.db3-wal").write_bytes(bag.with_name("bag.db3-wal").read_bytes())
    assert "write-ahead log" in refused(copy, dataset)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET data = 'text' WHERE id = 3",
        "UPDATE messages SET timestamp = -1 WHERE id = 3",
        "UPDATE messages SET topic_id = 77 WHERE id = 3",
        "UPDATE topics SET name = NULL",
        "UPDATE topics SET type = x'ff00'",
        "UPDATE topics SET serialization_format = 'protobuf'",
        "DROP TABLE topics",
        "DELETE FROM messages",
        ENDLESS_VIEW,
    ],
)
def test_hostile_sqlite(statement: str, tmp_path: Path, dataset: Dataset) -> None:
    bag = write_sqlite(tmp_path / "bag.db3", HELLOS[:10])
    with closing(sqlite3.connect(bag)) as database:
        database.executescript(statement)
    refused(bag, dataset)


def test_wrong_serialization_in_mcap(tmp_path: Path, dataset: Dataset) -> None:
    assert "'json'" in refused(write_mcap(tmp_path / "bag.mcap", encoding="json"), dataset)


def test_empty_mcap(tmp_path: Path, dataset: Dataset) -> None:
    assert "empty" in refused(write_mcap(tmp_path / "bag.mcap", []), dataset)


def test_times_beyond_int64(tmp_path: Path, dataset: Dataset) -> None:
    far = dataclasses.replace(HELLOS[0], log_ns=2**63)
    assert "2262" in refused(write_mcap(tmp_path / "bag.mcap", [HELLOS[1], far]), dataset)


@pytest.mark.parametrize(
    ("names", "changes", "reason"),
    [
        (["../outside.mcap"], {}, "inside the bag"),
        (["/etc/passwd"], {}, "inside the bag"),
        (["link.mcap"], {}, "inside the bag"),
        (["C:\\x.mcap"], {}, "inside the bag"),
        (["nul\0.mcap"], {}, "inside the bag"),
        ([""], {}, "inside the bag"),
        (["gone.mcap"], {}, "gone.mcap"),
        (["real.mcap", "real.mcap"], {}, "once"),
        (["real.mcap"], {"version": 10}, "version"),
        (["real.mcap"], {"version": [1]}, "version"),
        (["real.mcap"], {"version": None}, "version"),
        (["real.mcap"], {"compression_mode": "FILE", "compression_format": "lz4"}, "compression_mode"),
        (["real.mcap"], {"compression_mode": "BAG", "compression_format": "zstd"}, "compression_mode"),
        (["real.mcap"], {"compression_mode": "MESSAGE", "compression_format": "zstd"}, "compressed with zstd"),
    ],
)
def test_hostile_metadata(
    names: list[str], changes: dict[str, object], reason: str, tmp_path: Path, dataset: Dataset
) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    write_mcap(tmp_path / "outside.mcap")
    write_mcap(bag / "real.mcap")
    (bag / "link.mcap").symlink_to(tmp_path / "outside.mcap")
    metadata(bag, names, **changes)
    assert reason in refused(bag, dataset)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"a: &x [1]\nb: *x\n",
        b"a: 1\na: 2\n",
        b"!!python/object:os.system {}",
        b"[" * 100_000,
        b"x: " + b"y" * (17 * 2**20),
        b"rosbag2_bagfile_information: 5\n",
    ],
    ids=["empty", "list", "not_utf8", "alias", "duplicate", "tag", "deep", "large", "number"],
)
def test_metadata_that_is_none(text: bytes, tmp_path: Path, dataset: Dataset) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    write_mcap(bag / "bag_0.mcap")
    (bag / "metadata.yaml").write_bytes(text)
    assert "metadata.yaml" in refused(bag, dataset)


def test_folder_without_metadata_reads_only_plain_files(tmp_path: Path, dataset: Dataset) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    write_mcap(bag / "b_1.mcap", HELLOS[100:])
    write_mcap(bag / "b_0.mcap", HELLOS[:100])
    (bag / "folder.mcap").mkdir()
    (bag / "a.mcap").symlink_to(write_mcap(tmp_path / "outside.mcap"))
    assert messages_in(imported(bag, dataset) / "data_000.mcap") == list(HELLOS)


def test_nothing_there(tmp_path: Path, dataset: Dataset) -> None:
    assert "does not exist" in refused(tmp_path / "gone", dataset, UsageError)
    (tmp_path / "empty").mkdir()
    assert "got none" in refused(tmp_path / "empty", dataset)
    (tmp_path / "bag.zstd").write_bytes(b"x")
    assert "bag.zstd" in refused(tmp_path / "bag.zstd", dataset)


def test_robot_is_added_with_the_episode_and_another_under_its_id_is_refused(tmp_path: Path, dataset: Dataset) -> None:
    imported(write_mcap(tmp_path / "bag.mcap"), dataset)
    copied = dataset.root / "robots" / "arm_01" / "robot.json"
    assert load_json(copied) == support.ROBOT
    copied.write_text('{"schema_version": "1.0.0", "robot_id": "arm_01", "robot_model": "other"}')
    assert "another robot.json" in refused(tmp_path / "bag.mcap", dataset, UsageError)


def test_sealed_dataset(tmp_path: Path, dataset: Dataset) -> None:
    imported(write_mcap(tmp_path / "bag.mcap"), dataset)
    dataset.seal(None, 1)
    assert "sealed" in refused(tmp_path / "bag.mcap", dataset, UsageError)


_IMPORT_AND_TELL = """
import sys
from pathlib import Path
from peak import peak_kib
from convert.support import dataset_in, imported
from convert.support import HELLOS, write_sqlite
folder = Path(sys.argv[1])
dataset = dataset_in(folder)
imported(write_sqlite(folder / "small.db3", HELLOS[:5]), dataset)
before = peak_kib()
imported(folder / "big.db3", dataset)
print(peak_kib() - before)
"""


def test_memory_is_bounded_whatever_the_bag_holds(tmp_path: Path) -> None:
    image = b"\0\1\0\0" + bytes(6 * 2**20)
    write_sqlite(tmp_path / "big.db3", [dataclasses.replace(HELLOS[i], cdr=image) for i in range(25)])
    paths = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{_IMPORT_AND_TELL}"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 75 * 1024  # KiB; the bag holds twice as much
