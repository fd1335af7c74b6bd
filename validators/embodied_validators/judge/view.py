"""One unit of facts as the checks want it: rows by the scope that they speak of, spans by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from operator import itemgetter

from embodied_kit.model.facts import DATASET_SCOPE, Facts, Row
from embodied_kit.model.json import JsonValue


class UnitView:
    """A unit of facts, looked at from several sides on demand."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @cached_property
    def failed_tables(self) -> frozenset[str]:
        """Tables that a row of the table `error` names."""
        return frozenset(table for row in self.facts.tables.get("error", ()) for table in tables_of(row))

    @cached_property
    def spans(self) -> dict[str, list[Row]]:
        """Kind -> rows of the table `span`."""
        found: dict[str, list[Row]] = {}
        for row in self.facts.tables.get("span", ()):
            found.setdefault(str(row.get("kind")), []).append(row)
        return found

    def by_scope(self, table: str) -> Mapping[str, Sequence[Row]]:
        """Scope -> rows of a table that speak of it."""
        home, rows = self.facts.scope, self.facts.tables[table]
        if columns_of(rows, ["episode"])[0].count(home) == len(rows):
            return {home: rows}
        found: dict[str, list[Row]] = {}
        for row in rows:
            found.setdefault(scope_of(row, self.facts), []).append(row)
        return found


def columns_of(rows: Sequence[Row], names: Sequence[str]) -> list[list[JsonValue]]:
    """Some columns of rows, None where a row lacks one."""
    try:
        return [list(map(itemgetter(name), rows)) for name in names]
    except KeyError:
        return [[row.get(name) for row in rows] for name in names]


def keys_of(rows: Sequence[Row], names: Sequence[str]) -> Iterable[tuple[JsonValue, ...]]:
    """Of each row its values in some columns."""
    return zip(*columns_of(rows, names), strict=True) if names else repeat((), len(rows))


def scope_of(row: Row, facts: Facts) -> str:
    """Scope that a row speaks of: its episode where it names one, else its unit."""
    episode = row.get("episode")
    return episode if isinstance(episode, str) and episode else facts.scope


def episode_of(scope: str) -> str:
    """Episode that a scope is; empty for the dataset and for a bare file."""
    return "" if scope in (DATASET_SCOPE, "bare") else scope


def tables_of(error: Row) -> tuple[str, ...]:
    """Tables that a row of the table `error` names."""
    tables = error.get("tables")
    return () if tables is None or isinstance(tables, str | bool | int | float) else tuple(map(str, tables))
