"""Rows of facts tables: every column of the standard is there, and a null says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from embodied_kit.canonical import MAX_SAFE_INTEGER, rounded
from embodied_kit.model.facts import DEPTHS, Depth, Row
from embodied_kit.model.json import JsonValue
from embodied_kit.spec import standard

NEEDS_SIGNAL = "needs depth signal"
BEYOND_JSON = "the number is beyond 2^53"


def make_row(
    table: str,
    values: Mapping[str, JsonValue],
    *,
    episode: str | None = None,
    reasons: Mapping[str, str] | None = None,
    depth: Depth = "full",
) -> Row:
    """A row with every column of its table; what is not given is null.

    Args:
        table: Name of the facts table.
        values: Column -> value; times in ns as int (they become decimal strings), floats are rounded to 9 digits.
        episode: Episode that the row belongs to.
        reasons: Column -> why it is null; kept for null columns only.
        depth: Columns of a greater depth are null for that reason.
    """
    facts = standard().fact_table(table)
    row: dict[str, JsonValue] = {}
    why: dict[str, JsonValue] = {}
    for name in facts.columns:
        value = values.get(name)
        if DEPTHS.index(facts.column_depth[name]) > DEPTHS.index(depth):
            why[name] = NEEDS_SIGNAL if facts.column_depth[name] == "signal" else "needs depth full"
            value = None
        elif value is None and reasons and name in reasons:
            why[name] = reasons[name]
        elif isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER and not name.endswith("_ns"):
            why[name], value = BEYOND_JSON, None  # only a file that lies claims so many
        row[name] = str(value) if name.endswith("_ns") and isinstance(value, int) else value
    row["episode"] = episode
    if why:
        row["undetermined"] = why
    unknown = set(values) - set(facts.columns)
    if unknown:
        raise KeyError(f"expected columns of the table {table}, got {sorted(unknown)}")
    return cast("Row", rounded(row))


def error_row(path: str, measurer: str, tables: list[str], reason: str, *, episode: str | None) -> Row:
    """A row of the table `error`: what `path` makes undetermined."""
    values: dict[str, JsonValue] = {"measurer": measurer, "path": path, "tables": sorted(tables), "reason": reason}
    return make_row("error", values, episode=episode)


def failed_row(measurer: str, tables: list[str], error: Exception, *, episode: str | None) -> Row:
    """A row of the table `error` for a measure that stumbled: what it should have made is undetermined."""
    return error_row("", measurer, tables, f"the measure failed: {type(error).__name__}", episode=episode)
