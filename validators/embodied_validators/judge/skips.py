"""One fault, one finding: checks that one cause made impossible are told together, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embodied_kit.model.report import Finding, Place, Skipped
from embodied_kit.model.rule import LEVELS
from embodied_validators.judge.tally import Skip, place_order

PLACES_KEPT = 20
_UNDECODABLE = ("CT-06", "CT-07")  # what they find at a stream leaves every number of it unknown
_UNREADABLE = "CT-"
_Cause = tuple[str, str, Place]


@dataclass
class Skips:
    """Running record over all units."""

    by_cause: dict[_Cause, dict[str, int]] = field(default_factory=dict)

    def add(self, rule_id: str, skip: Skip) -> None:
        """Note that a rule was skipped."""
        rules = self.by_cause.setdefault((skip.cause, skip.reason, skip.place), {})
        rules[rule_id] = min(rules.get(rule_id, len(LEVELS)), skip.first)

    def value(self) -> tuple[Skipped, ...]:
        """Places where the same rules were skipped for the same cause together; the order of units leaves no trace."""
        alike: dict[tuple[str, str, tuple[tuple[str, int], ...]], list[Place]] = {}
        for (cause, reason, place), rules in self.by_cause.items():
            alike.setdefault((cause, reason, tuple(sorted(rules.items()))), []).append(place)
        return tuple(
            _skipped(cause, reason, dict(rules), places) for (cause, reason, rules), places in sorted(alike.items())
        )


def _skipped(cause: str, reason: str, rules: Mapping[str, int], places: list[Place]) -> Skipped:
    ordered = sorted(places, key=place_order)
    return Skipped(cause, reason, tuple(rules), LEVELS[min(rules.values())], tuple(ordered[:PLACES_KEPT]), len(places))


@dataclass(frozen=True)
class Causes:
    """Which finding of a unit explains what else could not be judged in it.

    Attributes:
        streams: (episode, stream) -> the rule that found its messages undecodable.
        paths: (episode, path) -> the rule that found the file damaged.
    """

    streams: Mapping[tuple[str, str], str]
    paths: Mapping[tuple[str, str], str]

    def of_skip(self, skip: Skip) -> Skip:
        """The same with the rule that knows why, where one does."""
        cause = skip.cause or self.paths.get((skip.place.episode, skip.place.path), "")
        return skip._replace(cause=cause)

    def of_finding(self, finding: Finding) -> Skip | None:
        """What could not be judged of a stream that cannot be decoded is skipped; None for any other finding."""
        cause = self.streams.get((finding.place.episode, finding.place.stream), "")
        if not cause or finding.state == "failed" or cause == finding.rule_id:
            return None
        at = Place(episode=finding.place.episode, stream=finding.place.stream)
        return Skip(cause, finding.reason, at, LEVELS.index(finding.level), finding.severity)


def causes_of(findings: Iterable[Finding]) -> Causes:
    """Causes among the findings of one unit."""
    streams: dict[tuple[str, str], str] = {}
    paths: dict[tuple[str, str], str] = {}
    for finding in sorted((item for item in findings if item.state == "failed"), key=lambda item: item.rule_id):
        place = finding.place
        if finding.rule_id in _UNDECODABLE and place.stream:
            streams.setdefault((place.episode, place.stream), finding.rule_id)
        elif finding.rule_id.startswith(_UNREADABLE) and place.path and not place.stream:
            paths.setdefault((place.episode, place.path), finding.rule_id)
    return Causes(streams, paths)
