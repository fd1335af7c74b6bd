from __future__ import annotations

import json
from pathlib import Path

import pytest
from measure.synthetic import Take, streams, write_dataset
from pyarrow import parquet

from embodied_kit.errors import UsageError
from embodied_kit.measure import measure_path
from embodied_kit.measure.kept.parquet import write_parquet
from embodied_kit.model.facts import Facts


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Facts]:
    ids = ("0192f0c1-8a3b-7c1d-9e2f-0123456789ab", "0192f0c1-8a3b-7c1d-9e2f-0123456789ac")
    root = write_dataset(tmp_path_factory.mktemp("set"), *((streams(), Take(episode_id=item)) for item in ids))
    return list(measure_path(root))


def test_every_row_comes_back_as_it_was(facts: list[Facts], tmp_path: Path) -> None:
    write_parquet(facts, tmp_path / "store")
    units = parquet.read_table(tmp_path / "store" / "facts.parquet").to_pylist()
    assert [(unit["scope"], unit["key"]) for unit in units] == [(item.scope, item.key) for item in facts]
    for table in {name for unit in facts for name, rows in unit.tables.items() if rows}:
        found = iter(parquet.read_table(tmp_path / "store" / f"{table}.parquet").to_pylist())
        for unit in facts:
            for row in unit.tables.get(table, ()):
                assert {"scope": unit.scope, **row} == {k: v for k, v in as_json(next(found)).items() if k in row or v}
        assert next(found, None) is None
    files = {path.name for path in (tmp_path / "store").iterdir()}
    assert {"stream.parquet", "dim.parquet", "document.parquet"} <= files
    assert "error.parquet" not in files


def as_json(row: dict[str, object]) -> dict[str, object]:
    """A row of the store as facts have it."""
    return {name: _as_json(name, value) for name, value in row.items()}


def _as_json(name: str, value: object) -> object:
    if name.endswith("_ns") and value is not None:
        return str(value)
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def test_columns_have_the_types_of_the_standard(facts: list[Facts], tmp_path: Path) -> None:
    write_parquet(facts, tmp_path / "store")
    types = {
        item.name: str(item.type)
        for table in ("stream", "coverage")
        for item in parquet.read_schema(tmp_path / "store" / f"{table}.parquet")
    }
    expected = {
        "scope": "string",
        "n": "int64",
        "rate_hz": "double",
        "opened": "bool",
        "first_stamp_ns": "int64",
    }
    assert expected.items() <= types.items()


def test_an_earlier_store_is_replaced_and_nothing_else(facts: list[Facts], tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write_parquet(facts, folder)
    write_parquet([Facts("dataset", "full", "dataset", {"error": [{"path": "a", "measurer": "m"}]})], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["error.parquet", "facts.parquet"]
    (folder / "mine.txt").write_text("x", encoding="ascii")
    with pytest.raises(UsageError):
        write_parquet(facts, folder)
    assert (folder / "mine.txt").exists()


def test_a_time_beyond_64_bits_is_null(tmp_path: Path) -> None:
    spans = [
        {"stream": "s", "kind": "gap", "start_ns": value, "end_ns": "-5"} for value in ("9999999999999999999", "7")
    ]
    write_parquet([Facts("e", "full", "dataset", {"span": spans})], tmp_path / "store")
    rows = parquet.read_table(tmp_path / "store" / "span.parquet").to_pylist()
    assert [(row["start_ns"], row["end_ns"]) for row in rows] == [(None, -5), (7, -5)]
