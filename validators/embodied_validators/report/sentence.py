"""One finding in one sentence, for formats that have no columns."""

from __future__ import annotations

from embodied_kit.language import pick
from embodied_kit.model.report import Finding
from embodied_kit.model.rule import Rule
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.phrases import (
    bracketed,
    measure_title,
    measured_text,
    needs_name,
    place_text,
    time_text,
)
from embodied_validators.report.quantity import visible
from embodied_validators.report.words import Words, reason_text


def finding_text(finding: Finding, rule: Rule | None, info: SubjectInfo, words: Words) -> str:
    """`cam_front: 8.33 % (limit 5 % at L2), 0.10–0.17 s`, or the place and why nothing could be decided.

    Args:
        finding: What is told.
        rule: Its rule; None where this tool does not carry it.
        info: Start of the episodes, for times.
        words: Language.
    """
    said = numbers_text(finding, rule, words)
    reason = visible(reason_text(finding.reason, words.lang))
    if finding.state == "undetermined":
        said = words("not_decided", reason=reason) if reason else words("label.undetermined")
    parts = [part for part in (said or reason, time_text(finding.place, info)) if part]
    place = place_text(finding.place)
    colon, comma = ("：", "，") if words.lang == "zh" else (": ", ", ")
    return colon.join(part for part in (place, comma.join(parts)) if part)


def numbers_text(finding: Finding, rule: Rule | None, words: Words) -> str:
    """`8.33 % (limit 5 % at L2)`; empty where nothing was compared."""
    measured, required = measured_text(finding, words, rule)
    if required:
        required = words("at_level", requirement=required, level=finding.level)
    against = bracketed(measured, required, words) if measured else required
    if against and needs_name(finding):
        against = f"{pick(measure_title(finding.measure, rule), words.lang)} {against}".strip()
    return against
