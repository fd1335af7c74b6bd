"""Waivers at work: which findings they let be, and what is to be said of the waivers themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Finding, Waiver, WaiverUse
from embodied_kit.model.rule import Rule

_MANY_EPISODES = 4
_NS_PER_S = 1_000_000_000


class ActiveWaivers:
    """Waivers of one judgement.

    Args:
        waivers: As given.
        rules: Rules of the profile by id.
        as_of_ns: Date of the judgement, ns since the Unix epoch.
    """

    def __init__(self, waivers: Sequence[Waiver], rules: Mapping[str, Rule], as_of_ns: int) -> None:
        self._waivers = tuple(waivers)
        self._refused = {n for n, w in enumerate(waivers) if w.rule_id in rules and not rules[w.rule_id].waivable}
        today = datetime.fromtimestamp(as_of_ns // _NS_PER_S, timezone.utc).date().isoformat()
        self._expired = {n for n, waiver in enumerate(waivers) if waiver.valid_until < today}
        self._by_rule: dict[str, list[tuple[int, Callable[[Finding], bool]]]] = {}
        for number, waiver in enumerate(waivers):
            if number not in self._refused | self._expired:
                self._by_rule.setdefault(waiver.rule_id, []).append((number, _matcher(waiver)))
        self._findings_n = [0] * len(self._waivers)
        self._episodes: list[set[str]] = [set() for _ in self._waivers]

    def predicate(self, rule_id: str) -> Callable[[Finding], bool] | None:
        """Whether a finding of a rule is let be; None where no waiver speaks of the rule."""
        matchers = self._by_rule.get(rule_id)
        return None if matchers is None else lambda finding: any(matches(finding) for _, matches in matchers)

    def note(self, finding: Finding) -> None:
        """Count a finding that was let be, for each waiver that it matches."""
        for number, matches in self._by_rule[finding.rule_id]:
            if matches(finding):
                self._findings_n[number] += 1
                self._episodes[number].add(finding.place.episode)

    def uses(self, episodes: Collection[str]) -> tuple[WaiverUse, ...]:
        """What each waiver did, in the order given.

        Args:
            episodes: Every episode that was judged.
        """
        return tuple(self._use(number, len(episodes)) for number in range(len(self._waivers)))

    def _use(self, number: int, episodes_n: int) -> WaiverUse:
        waiver, count = self._waivers[number], self._findings_n[number]
        anywhere = {waiver.episode, waiver.path, waiver.stream} <= {"", "*"}
        covered = len(self._episodes[number] - {""})
        broad = anywhere or (episodes_n >= _MANY_EPISODES and 2 * covered > episodes_n)
        if number in self._refused:
            return WaiverUse(waiver, "refused", 0, broad)
        if number in self._expired:
            return WaiverUse(waiver, "expired", 0, broad)
        return WaiverUse(waiver, "used" if count else "unused", count, broad)


def waivers_digest(waivers: Sequence[Waiver]) -> str:
    """sha256 hex over the JCS of waivers in their order; empty where there are none."""
    return sha256_hex(canonical_bytes([waiver_data(waiver) for waiver in waivers])) if waivers else ""


def waiver_data(waiver: Waiver) -> JsonObject:
    """A waiver as its file and the attestation write it: only what is given."""
    return {name: value for name in Waiver.__slots__ if (value := getattr(waiver, name))}


def _matcher(waiver: Waiver) -> Callable[[Finding], bool]:
    episode, path, stream = map(_pattern, (waiver.episode, waiver.path, waiver.stream))

    def matches(finding: Finding) -> bool:
        place = finding.place
        return bool(
            episode.fullmatch(place.episode)
            and path.fullmatch(place.path)
            and (stream.fullmatch(place.stream) or (place.target and stream.fullmatch(place.target)))
        )

    return matches


def _pattern(text: str) -> re.Pattern[str]:
    """Pattern of `*` and `?`; empty matches anything."""
    return re.compile(re.escape(text or "*").replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
