"""Choosing rules by the beginnings of their ids, as linters do: `select TM,ST-0 ignore VS`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.errors import UsageError
from embodied_kit.model.rule import Profile

ALL = "ALL"


def chosen(rule_ids: Iterable[str], select: str, ignore: str) -> tuple[str, ...]:
    """Ids that a choice leaves; of the beginnings that fit an id the longest decides, and ignoring wins a tie.

    Args:
        rule_ids: Ids to choose from.
        select: Beginnings between commas, or ALL; empty for all.
        ignore: Beginnings between commas; empty for none.

    Raises:
        UsageError: A beginning fits no id.
    """
    ids = tuple(rule_ids)
    wanted, unwanted = _beginnings(select, ids) or (ALL,), _beginnings(ignore, ids)
    return tuple(rule_id for rule_id in ids if _fit(rule_id, wanted) > _fit(rule_id, unwanted))


def select_rules(profile: Profile, select: str, ignore: str) -> Profile:
    """The profile with some of its rules; its digest and `selection` say so, since no level can be claimed under it.

    Raises:
        UsageError: See `chosen`; or no rule is left.
    """
    if not select.strip() and not ignore.strip():
        return profile
    every = (*(rule.rule_id for rule in profile.rules), *profile.unknown)
    kept = set(chosen(every, select, ignore))
    if not kept:
        raise UsageError(f"expected a choice that leaves a rule of {profile.name}, got none")
    said = " ".join(
        f"{verb} {','.join(_words(words))}" for verb, words in (("select", select), ("ignore", ignore)) if _words(words)
    )
    return replace(
        profile,
        rules=tuple(rule for rule in profile.rules if rule.rule_id in kept),
        unknown=tuple(rule_id for rule_id in profile.unknown if rule_id in kept),
        digest=sha256_hex(canonical_bytes({"profile": profile.digest, "selection": said})),
        selection=said,
    )


def _words(text: str) -> Sequence[str]:
    return [word.strip().upper() for word in text.split(",") if word.strip()]


def _beginnings(text: str, ids: Sequence[str]) -> tuple[str, ...]:
    words = _words(text)
    for word in words:
        if word != ALL and not any(rule_id.startswith(word) for rule_id in ids):
            raise UsageError(f"expected the beginning of a rule id, got '{word}'", remedy="embodied-kit rules list")
    return tuple(words)


def _fit(rule_id: str, beginnings: Iterable[str]) -> int:
    """Length of the longest beginning that fits; 0 for ALL, -1 where none fits."""
    fits = (0 if word == ALL else len(word) for word in beginnings if word == ALL or rule_id.startswith(word))
    return max(fits, default=-1)
