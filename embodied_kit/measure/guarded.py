"""Measurers run one by one: the bug of one costs its own table, never the run, and never looks like a pass."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.measure.measurers import Measurer
from embodied_kit.measure.rows import failed_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.model.facts import Row

ERROR = "error"


def guarded_tables(episode: Episode, measurers: Sequence[Measurer]) -> tuple[dict[str, list[Row]], bool]:
    """Tables of an episode, and whether all measurers came through.

    The table of one that raised is empty, and a row of the table `error` makes it undetermined.

    Raises:
        EnvironmentUnfitError: The machine cannot go on (no space left); that is nobody's fault.
    """
    made = {item.name: _run(item, episode) for item in measurers}
    tables = {name: rows for name, (rows, _) in made.items()}
    failed = [row for _, row in made.values() if row is not None]
    tables[ERROR] = [*tables.get(ERROR, []), *failed]
    return tables, not failed


def _run(item: Measurer, episode: Episode) -> tuple[list[Row], Row | None]:
    """Rows of a measurer; none and an error row where it raised."""
    try:
        return item.run(episode), None
    except EnvironmentUnfitError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a measurer stumbles over, the rest is measured
        return [], failed_row(item.name, [item.name], error, episode=episode.episode_id)
