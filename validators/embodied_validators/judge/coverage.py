"""What was looked at, and what was not: counts and places for the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from embodied_kit.model.facts import DATASET_SCOPE, Facts, Row
from embodied_kit.model.json import JsonObject

ASPECTS = ("seen", "opened", "decoded", "sampled", "ignored")
PLACES_KEPT = 200


@dataclass
class Coverage:
    """Running counts over the rows of the table `coverage`."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ASPECTS, 0))
    not_seen: list[tuple[str, str, str]] = field(default_factory=list)
    episodes: set[str] = field(default_factory=set)
    depths: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)

    def add(self, unit: Facts) -> None:
        """Count one unit."""
        self.depths.add(unit.depth)
        if unit.scope not in (DATASET_SCOPE, "bare"):
            self.episodes.add(unit.scope)
        for row in unit.tables.get("coverage", ()):
            for aspect in ASPECTS:
                self.counts[aspect] += row.get(aspect) is True
            if row.get("sampled") is True:
                self.sampled.add(unit.scope)
            if _not_wholly_seen(row, unit):
                episode = unit.scope if unit.scope not in (DATASET_SCOPE, "bare") else ""
                self.not_seen.append((episode, str(row.get("path") or ""), str(row.get("reason") or "")))

    def value(self) -> JsonObject:
        """Counts, depths, and the first places that were not wholly seen, with their total."""
        places = sorted(self.not_seen)
        return {
            **self.counts,
            "episodes": len(self.episodes),
            "depths": sorted(self.depths),
            "not_seen_n": len(places),
            "not_seen": [{"episode": e, "path": path, "reason": why} for e, path, why in places[:PLACES_KEPT]],
        }


def _not_wholly_seen(row: Row, unit: Facts) -> bool:
    """Ignored, sampled, not opened, or opened and not decoded for a reason other than the depth asked for."""
    undecoded = row.get("decoded") is False and bool(row.get("reason")) and unit.depth != "index"
    return undecoded or row.get("ignored") is True or row.get("sampled") is True or row.get("opened") is False
