"""Facts as canonical lines and back: the form that is digested, signed and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, cast

from embodied_kit.canonical import MAX_DEPTH, MAX_VALUES, canonical_bytes, parse_line
from embodied_kit.collector import collector_paused
from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import get_text, get_texts
from embodied_kit.model.facts import DATASET_SCOPE, DEPTHS, TABLES, Facts, Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import standard

HEAD_TABLE = "facts"
_BLOCK_BYTES = 2**20
_BLOCK_LINES = 256
_LONGEST_LINE_BYTES = 64 * 2**20
_DEEPEST, _MOST_VALUES = MAX_DEPTH + 2, MAX_VALUES + 1000  # a document, and the row that holds it


def facts_lines(facts: Iterable[Facts]) -> Iterator[bytes]:
    """Canonical lines (RFC 8785, LF at the end) of facts: the dataset first, then episodes by id.

    A head line `{"table": "facts", scope, subject, depth, key, tables}` goes before the rows of each scope; it names
    the tables that were measured, since one without rows is another thing than one that was not measured.
    """
    for item in sorted(facts, key=lambda item: (item.scope != DATASET_SCOPE, item.scope)):
        yield _line(
            {
                "table": HEAD_TABLE,
                "scope": item.scope,
                "subject": item.subject,
                "depth": item.depth,
                "key": item.key,
                "tables": [table for table in TABLES if table in item.tables],
            }
        )
        for table in sorted(item.tables):
            yield from _sorted_lines(table, item.tables[table])


def spooled_lines(facts: Iterable[Facts]) -> Iterator[bytes]:
    """Bytes of `facts_lines`, while no more than one unit is held in memory: their lines wait in a temporary file."""
    with tempfile.TemporaryFile(prefix="embodied-kit-") as file:
        places: list[tuple[bool, str, int, int]] = []
        for item in facts:
            begin = file.tell()
            file.writelines(facts_lines([item]))
            places.append((item.scope != DATASET_SCOPE, item.scope, begin, file.tell() - begin))
        for _, _, begin, size in sorted(places):
            file.seek(begin)
            for first in range(0, size, _BLOCK_BYTES):
                yield file.read(min(_BLOCK_BYTES, size - first))


def read_facts(lines: Iterable[bytes]) -> list[Facts]:
    """Facts from their lines.

    Raises:
        DataError: A line is no strict JSON, or names a scope, table or depth that cannot be.
    """
    return list(read_units(lines))


def read_units(lines: Iterable[bytes]) -> Iterator[Facts]:
    """Facts from their lines, one unit at a time.

    Raises:
        DataError: As `read_facts`, once the line is reached.
    """
    unit: Facts | None = None
    rows: dict[str, list[Row]] = {}
    for number, value in enumerate(_values(lines), 1):
        table = value.pop("table", None)
        if isinstance(table, str) and table in rows:
            rows[table].append(value)
        elif table == HEAD_TABLE:
            if unit is not None:
                yield unit
            rows = {name: [] for name in get_texts(value, "tables")}
            unit = _head(value, rows, number)
        else:
            told = table[:40] if isinstance(table, str) else ""
            raise DataError(f"expected a row of a table that the head line names, got {told!r} in line {number}")
    if unit is not None:
        yield unit


def _values(lines: Iterable[bytes]) -> Iterator[dict[str, JsonValue]]:
    """The value of each line; some hundred are made at once, while the collector would walk them all."""
    source, number = iter(lines), 0
    while block := list(islice(source, _BLOCK_LINES)):
        with collector_paused():
            values = [cast("dict[str, JsonValue]", _parse(line, number + at)) for at, line in enumerate(block, 1)]
        number += len(block)
        yield from values


def _sorted_lines(table: str, rows: Iterable[Row]) -> Iterator[bytes]:
    """Lines of rows in the order of their keys, null first; those of one key in the order of their bytes."""
    key = standard().fact_table(table).key
    keyed = [([_order(name, row.get(name)) for name in key], _line({"table": table, **row})) for row in rows]
    for _, line in sorted(keyed):
        yield line


def _order(name: str, value: JsonValue) -> tuple[int, int | float, str]:
    if value is None:
        return 0, 0, ""
    if isinstance(value, int | float):
        return 1, value, ""
    if not isinstance(value, str):
        return 2, 0, canonical_bytes(value).decode()
    return (1, int(value), "") if name.endswith("_ns") else (2, 0, value)


def _line(value: JsonObject) -> bytes:
    return canonical_bytes(value) + b"\n"


def _parse(line: bytes, number: int) -> JsonObject:
    result = parse_line(line, max_bytes=_LONGEST_LINE_BYTES, max_depth=_DEEPEST, max_values=_MOST_VALUES)
    if result.value is None:
        raise DataError(f"expected facts in line {number}, got {result.problem}: {result.place}")
    return result.value


def _head(value: JsonObject, rows: dict[str, list[Row]], number: int) -> Facts:
    subject, depth = get_text(value, "subject"), get_text(value, "depth")
    if subject not in ("dataset", "episode", "bare") or depth not in DEPTHS or not set(rows) <= set(TABLES):
        raise DataError(f"expected a subject, a depth and tables of this standard in line {number}, got others")
    kind = cast("Literal['dataset', 'episode', 'bare']", subject)
    return Facts(get_text(value, "scope"), depth, kind, rows, get_text(value, "key"))
