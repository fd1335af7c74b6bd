"""What limits a verdict besides findings: skipped checks, waivers, a sample, a choice of rules."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.language import pick
from embodied_kit.model.report import Report, Skipped, Waiver, WaiverUse
from embodied_validators.report.phrases import listed, place_text
from embodied_validators.report.quantity import shorten, visible
from embodied_validators.report.words import Words, reason_text, term
from embodied_validators.rulebook import load_rulebook

_MOST_RULES = 8
_LONGEST_PLACE = 70


def limits_text(report: Report, words: Words) -> str:
    """That only a sample was looked at or only some rules were asked; empty where neither holds."""
    parts = [words("partial")] if report.partial else []
    if report.selection:
        parts.append(words("selection", rules=visible(report.selection)))
    return ("" if words.lang == "zh" else " ").join(parts)


def skipped_rules(item: Skipped, words: Words, most: int = _MOST_RULES) -> str:
    """The rules, the first of them where there are many."""
    return listed(item.rules, words, most)


def skipped_why(item: Skipped, words: Words) -> str:
    """Why they were skipped, and the rule whose finding tells more."""
    reason = visible(reason_text(item.reason, words.lang))
    return words("skipped_by", reason=reason, rule=item.cause) if item.cause and item.cause not in reason else reason


def skipped_where(item: Skipped, words: Words) -> str:
    """The first place, and how many more there are; empty where no place is known."""
    if not item.places:
        return ""
    first = item.places[0]
    name = shorten(place_text(first) or visible(first.episode), _LONGEST_PLACE)
    return words("place_and_more", place=name, n=item.places_n - 1) if item.places_n > 1 else name


def waiver_place(waiver: Waiver) -> str:
    """The patterns of a waiver; empty where it names no place."""
    return visible(" ".join(part for part in (waiver.episode, waiver.path, waiver.stream) if part))


def waiver_state(use: WaiverUse, words: Words) -> str:
    """`used`, `expired` ...; that there is no such rule; that it is broad."""
    state = pick(term("waiver_state", use.state), words.lang)
    if use.state != "used" and use.waiver.rule_id not in load_rulebook().rules:
        state = words("waiver_unknown", state=state)
    return words("waiver_broad", state=state) if use.broad else state


def waiver_text(use: WaiverUse, words: Words) -> str:
    """One waiver in one line: what it did, for which rule and place, why, who answers for it, until when."""
    waiver = use.waiver
    return words(
        "waiver",
        rule=" ".join(part for part in (waiver.rule_id, waiver_place(waiver)) if part),
        state=waiver_state(use, words),
        findings=words.count("findings", use.findings_n),
        reason=visible(waiver.reason),
        who=visible(waiver.who),
        until=visible(waiver.valid_until),
    )


def waived_because(report: Report, rule_id: str) -> Sequence[WaiverUse]:
    """The waivers that let findings of a rule be."""
    return [use for use in report.waivers if use.state == "used" and use.waiver.rule_id == rule_id]
