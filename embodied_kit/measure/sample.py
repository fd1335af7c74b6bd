"""A sample of the episodes of a dataset: the same for the same seed and names, and never mistaken for the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from embodied_kit.episode.layout import EPISODES
from embodied_kit.measure.rows import error_row
from embodied_kit.measure.tables.coverage import coverage_row
from embodied_kit.model.facts import Row

NOT_IN_SAMPLE = "the episode is not in the sample"


@dataclass(frozen=True)
class Sample:
    """How many episodes are measured.

    Attributes:
        episodes: At most so many.
        seed: Another seed chooses others.
    """

    episodes: int
    seed: int = 0

    def choose(self, names: Iterable[str]) -> set[str]:
        """Names with the smallest SHA-256 of seed and name: a larger sample holds every smaller one."""
        return set(sorted(names, key=self._rank)[: self.episodes])

    def _rank(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.seed}:{name}".encode()).digest()


def left_out_coverage(names: Iterable[str]) -> list[Row]:
    """A row an episode that is not in the sample."""
    return [
        coverage_row(f"{EPISODES}/{name}", None, opened=False, decoded=False, sampled=True, reason=NOT_IN_SAMPLE)
        for name in names
    ]


def left_out_errors(names: Iterable[str], tables: Iterable[str]) -> list[Row]:
    """What a sample makes undetermined: the tables that are made of all episodes."""
    return [error_row(EPISODES, "scan", list(tables), NOT_IN_SAMPLE, episode=None)] if list(names) else []
