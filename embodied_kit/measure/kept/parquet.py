"""Facts of a corpus as Parquet, one file a table over all episodes: for questions over many episodes, never signed.

Columns are typed by the facts schemas: `_ns` columns are int64 (null beyond that), objects are JSON texts. Each row has
the column `scope` in front, the unit that it belongs to; `facts.parquet` lists the units. pyarrow writes other bytes in
other versions, so nothing digests these files; they are made again from the recordings or the cache at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

from embodied_kit.canonical import canonical_bytes
from embodied_kit.episode.layout import PARTIAL
from embodied_kit.errors import UsageError
from embodied_kit.measure.kept.lines import HEAD_TABLE
from embodied_kit.model.facts import TABLES, Facts, Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import standard

if TYPE_CHECKING:
    from pyarrow import DataType, Schema
    from pyarrow.parquet import ParquetWriter

_SUFFIX = ".parquet"
_BUFFERED_ROWS = 8192
_LARGEST = 2**63
_UNIT_COLUMNS = ("scope", "subject", "depth", "key")


def parquet_names() -> set[str]:
    """Names of all files that a store may have."""
    return {f"{table}{_SUFFIX}" for table in (HEAD_TABLE, *TABLES)}


def write_parquet(facts: Iterable[Facts], folder: Path) -> None:
    """Write a store; one of earlier facts in the same folder is replaced once the new one is whole.

    Args:
        facts: Each unit is let go before the next is asked for.
        folder: Made where it does not exist.

    Raises:
        UsageError: Something else lies in the folder.
    """
    folder.mkdir(exist_ok=True)
    names = parquet_names()
    strange = sorted(path.name for path in folder.iterdir() if path.name.removesuffix(PARTIAL) not in names)
    if strange:
        raise UsageError(f"expected an empty folder or an earlier store, got {strange[0]} in it", remedy="name another")
    with ExitStack() as stack:
        tables = {name: _Table(name, folder, stack) for name in (HEAD_TABLE, *TABLES)}
        for unit in facts:
            tables[HEAD_TABLE].add(unit.scope, [{name: getattr(unit, name) for name in _UNIT_COLUMNS}])
            for name, rows in unit.tables.items():
                tables[name].add(unit.scope, rows)
            if sum(len(table.rows) for table in tables.values()) >= _BUFFERED_ROWS:
                for table in tables.values():
                    table.flush()
        for table in tables.values():
            table.flush()
    for name in sorted(names):
        partial = folder / f"{name}{PARTIAL}"
        if partial.exists():
            partial.replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


class _Table:
    """One file, opened with its first row.

    Args:
        name: Table.
        folder: Of the store.
        stack: Closes the file.
    """

    def __init__(self, name: str, folder: Path, stack: ExitStack) -> None:
        self._path = folder / f"{name}{_SUFFIX}{PARTIAL}"
        self._stack = stack
        self._schema = _schema(name)
        self._writer: ParquetWriter | None = None
        self._path.unlink(missing_ok=True)
        self.rows: list[dict[str, JsonValue]] = []

    def add(self, scope: str, rows: Iterable[Row]) -> None:
        """Rows of one unit."""
        self.rows += ({"scope": scope, **row} for row in rows)

    def flush(self) -> None:
        """Write what is buffered."""
        import pyarrow as pa  # noqa: PLC0415  # only who writes Parquet needs it
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415  # the same

        if not self.rows:
            return
        if self._writer is None:
            self._writer = self._stack.enter_context(ParquetWriter(self._path, self._schema))
        arrays = [
            pa.array([_cell(row.get(column.name), column.name, column.type) for row in self.rows], column.type)
            for column in self._schema
        ]
        self._writer.write_table(pa.table(arrays, schema=self._schema))
        self.rows = []


def _schema(table: str) -> Schema:
    """Columns of a table, `scope` first, the reasons of nulls last."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    if table == HEAD_TABLE:
        return pa.schema([(name, pa.string()) for name in _UNIT_COLUMNS])
    properties = cast("Mapping[str, JsonObject]", standard().fact_schema(table)["properties"])
    columns = [(name, _type(name, form)) for name, form in properties.items() if name not in ("table", "scope")]
    return pa.schema([("scope", pa.string()), *columns])


def _type(name: str, form: JsonObject) -> DataType:
    import pyarrow as pa  # noqa: PLC0415  # as above

    told = form.get("type")
    kinds = told if isinstance(told, list) else [told]
    if name.endswith("_ns") or "integer" in kinds:
        return pa.int64()
    if "number" in kinds:
        return pa.float64()
    if "boolean" in kinds:
        return pa.bool_()
    if "array" in kinds:
        items = form.get("items")
        nested = isinstance(items, dict) and items.get("type") == "array"
        return pa.list_(pa.list_(pa.float64())) if nested else pa.list_(pa.string())
    return pa.string()


def _cell(value: JsonValue, name: str, kind: DataType) -> JsonValue:
    """A value as its column takes it."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    if value is None:
        return None
    if name.endswith("_ns"):
        number = int(str(value))
        return number if -_LARGEST <= number < _LARGEST else None
    if pa.types.is_string(kind) and not isinstance(value, str):
        return canonical_bytes(value).decode()
    return value
