from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from measure.synthetic import EPISODE_ID, Take, streams, write_data, write_dataset

from embodied_kit.errors import DataError
from embodied_kit.measure import default_cache, facts_lines, measure_path, read_facts
from embodied_kit.model.facts import Facts

OPENED: list[str] = []
LISTENING: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and LISTENING and str(arguments[0]).endswith(".mcap"):
        OPENED.append(str(arguments[0]))


sys.addaudithook(_hook)


@contextmanager
def opened_data_files() -> Iterator[list[str]]:
    OPENED.clear()
    LISTENING.append(True)
    try:
        yield OPENED
    finally:
        LISTENING.clear()


def lines(path: Path, cache: Path | None, *, trust_index: bool = True) -> list[bytes]:
    return list(facts_lines(measure_path(path, cache=cache, trust_index=trust_index)))


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    (tmp_path / "bag").mkdir()
    (path,) = write_data(tmp_path / "bag", streams(), Take())
    return path


def test_a_second_measurement_opens_no_data_file_and_says_the_same(data_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with opened_data_files() as opened:
        first = lines(data_file, cache)
        assert opened
    with opened_data_files() as opened:
        assert lines(data_file, cache) == first
        assert opened == []
    assert lines(data_file, None) == first


def test_an_index_that_is_not_trusted_is_checked_by_hashing(data_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = lines(data_file, cache)
    for entry in (cache / "index").rglob("*"):
        if entry.is_file():
            entry.write_text("0" * 64)  # an index that lies
    assert lines(data_file, cache, trust_index=False) == first


def test_a_changed_byte_is_measured_again(data_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = lines(data_file, cache)
    data = bytearray(data_file.read_bytes())
    data[len(data) // 2] ^= 1
    data_file.write_bytes(data)
    assert lines(data_file, cache) != first


def test_a_cache_entry_that_is_damaged_is_not_believed(data_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = lines(data_file, cache)
    (entry,) = cache.rglob("*.jsonl")
    entry.write_bytes(entry.read_bytes()[:-20])
    assert lines(data_file, cache) == first
    entry.write_bytes(b"\xff")
    assert lines(data_file, cache) == first


def test_the_depth_is_part_of_the_key(data_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    keys = {
        facts.key
        for depth in ("signal", "full")
        for facts in measure_path(data_file, depth=depth, cache=cache)  # type: ignore[arg-type]
    }
    assert len(keys) == 2
    assert all(len(key) == 64 for key in keys)


def test_a_cache_that_cannot_be_written_is_no_obstacle(data_file: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    assert lines(data_file, blocked) == lines(data_file, None)


def test_a_dataset_is_measured_with_the_cache_and_nothing_is_written_into_it(tmp_path: Path) -> None:
    root, cache = write_dataset(tmp_path / "set"), tmp_path / "cache"
    before = sorted(root.rglob("*"))
    first = lines(root, cache)
    with opened_data_files() as opened:
        assert lines(root, cache) == first
        assert [name for name in opened if EPISODE_ID in name] == []
    assert sorted(root.rglob("*")) == before
    moved = shutil.copytree(root, tmp_path / "copy")
    assert lines(moved, cache) == first
    assert default_cache().name == "measure"


def test_progress_ends_at_all_files(tmp_path: Path) -> None:
    root = write_dataset(tmp_path)
    told: list[tuple[int, int, int]] = []
    list(measure_path(root, progress=lambda *numbers: told.append(numbers)))
    assert told[-1][0] == 1
    assert told[-1][1] > 0
    assert told[0][2] == (root / "episodes" / EPISODE_ID / "data_000.mcap").stat().st_size
    assert told == sorted(told)


HEAD = {"table": "facts", "scope": "e", "subject": "episode", "depth": "full", "key": "", "tables": ["stream", "span"]}


def test_lines_keep_what_was_measured_and_what_was_not() -> None:
    rows = [{"stream": "b", "publisher": "", "child_frame": "", "n": 1}, {"stream": "a", "publisher": "x", "n": 2.5}]
    facts = Facts("e", "full", "episode", {"stream": rows, "span": []})
    (found,) = read_facts(facts_lines([facts]))
    assert found.tables == {"stream": [rows[1], rows[0]], "span": []}
    assert list(facts_lines([found])) == list(facts_lines([facts]))


def test_lines_are_sorted_dataset_first_and_times_as_numbers() -> None:
    spans = [{"stream": "s", "kind": "gap", "start_ns": value, "end_ns": value} for value in ("9", "10", "-1")]
    facts = [Facts("e", "full", "dataset", {"span": spans}), Facts("dataset", "full", "dataset", {})]
    found = [json.loads(line) for line in facts_lines(facts)]
    assert [item.get("scope") for item in found[:2]] == ["dataset", "e"]
    assert [item["start_ns"] for item in found[2:]] == ["-1", "9", "10"]


@pytest.mark.parametrize(
    "bad",
    [
        [b"not json"],
        [b'{"table":"stream","n":1}'],
        [json.dumps({**HEAD, "depth": "deep"}).encode()],
        [json.dumps({**HEAD, "tables": ["other"]}).encode()],
        [json.dumps(HEAD).encode(), b'{"table":"dim"}'],
        [json.dumps(HEAD).encode(), b'{"table":"stream","n":NaN}'],
        [json.dumps(HEAD).encode(), b'{"table":"stream","n":1,"n":2}'],
    ],
)
def test_lines_that_are_no_facts_are_refused(bad: list[bytes]) -> None:
    with pytest.raises(DataError):
        read_facts(bad)


@pytest.mark.parametrize("value", [1.8446744073709552e19, 1e-30, 123456789.0, 1e20, -0.0, 2.0**60])
def test_large_and_small_numbers_come_back(value: float) -> None:
    facts = Facts("e", "full", "episode", {"stream": [{"stream": "s", "rate_hz": value}]})
    once = list(facts_lines([facts]))
    assert list(facts_lines(read_facts(once))) == once
