"""A short stable name for a finding: the same rule at the same place has it in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.model.report import Finding, Place

DIGITS = 12
_PASSING = frozenset({"start_ns", "end_ns"})  # a fault that lasts a little longer is the same fault


def fingerprints(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Fingerprint of each finding, 12 hex digits, in order.

    Neither the numbers nor the time nor the state enter: what got better, worse or was decided keeps its name. Findings
    that agree in the rest are told apart by their place in the order of time.

    Args:
        findings: All findings of one report; those that agree are counted among these.
    """
    ordered = sorted(range(len(findings)), key=lambda index: (findings[index].place.start_ns or 0, index))
    found = dict(zip(ordered, _named(findings[index] for index in ordered), strict=True))
    return tuple(found[index] for index in range(len(findings)))


def by_fingerprint(findings: Sequence[Finding]) -> Mapping[str, Finding]:
    """Fingerprint -> finding, in order."""
    return dict(zip(fingerprints(findings), findings, strict=True))


def _named(findings: Iterable[Finding]) -> Iterable[str]:
    seen: Counter[bytes] = Counter()
    for finding in findings:
        key = _key(finding)
        yield sha256_hex(key + str(seen[key]).encode())[:DIGITS]
        seen[key] += 1


def _key(finding: Finding) -> bytes:
    place = {
        item.name: value
        for item in fields(Place)
        if item.name not in _PASSING and (value := getattr(finding.place, item.name)) != item.default
    }
    return canonical_bytes({"rule_id": finding.rule_id, "measure": finding.measure, "place": place})
