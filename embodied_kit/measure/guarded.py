"""Measurers run one by one: the bug of one costs its own table, never the run, and never looks like a pass."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.measure.episode import Episode
from embodied_kit.measure.measurers import Measurer
from embodied_kit.measure.rows import failed_row
from embodied_kit.model.facts import Row

ERROR = "error"


def guarded_tables(episode: Episode, measurers: Sequence[Measurer]) -> tuple[dict[str, list[Row]], bool]:
    """Tables of an episode, and whether all measurers came through.

    The table of one that raised is empty, and a row of the table `error` makes it undetermined.

    Raises:
        EnvironmentUnfitError: The machine cannot go on (no space left); that is nobody's fault.
    """
    tables: dict[str, list[Row]] = {}
    failed: list[Row] = []
    for item in measurers:
        try:
            tables[item.name] = item.run(episode)
        except EnvironmentUnfitError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a measurer stumbles over, the rest is measured
            tables[item.name] = []
            failed.append(failed_row(item.name, [item.name], error, episode=episode.episode_id))
    tables[ERROR] = [*tables.get(ERROR, []), *failed]
    return tables, not failed
