"""The report as one JSON document for machines, as report.schema.json describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import orjson

from embodied_kit.canonical import rounded
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding, Place, Report, Skipped, Waiver, WaiverUse
from embodied_kit.model.rule import LEVELS, Rule
from embodied_kit.visible import visible_json
from embodied_validators.report.fingerprint import fingerprints
from embodied_validators.report.group import Agreeing, Group, agreeing, group_findings, tally, verdict
from embodied_validators.report.info import EpisodeInfo, SubjectInfo

RECORD_VERSION = "1.1.0"
_NS = ("start_ns", "end_ns")


def render_json(report: Report, rulebook: Mapping[str, Rule], info: SubjectInfo) -> bytes:
    """The report as a JSON document, UTF-8, two spaces, final newline; every `_ns` field is a decimal string.

    Args:
        report: What the judge said.
        rulebook: Rule id -> rule; those that have a finding are described.
        info: Name, episodes and duration of the subject.
    """
    groups = group_findings(report.findings, report.excluded)
    found = agreeing(report)
    document: JsonObject = {
        "record": "report_document",
        "record_version": RECORD_VERSION,
        "subject": _subject(report, info),
        "profile": report.profile,
        "judged_at": info.judged_at or None,
        "tool": info.tool or None,
        "verdict": _verdict(report, found),
        "levels": report.levels,
        "rules": {group.rule_id: _rule(rulebook[group.rule_id]) for group in groups if group.rule_id in rulebook},
        "groups": [_group(group) for group in groups],
        "findings": [
            {"fingerprint": name, **finding_json(finding, report)}
            for name, finding in zip(fingerprints(report.findings), report.findings, strict=True)
        ],
        "waived": [finding_json(finding, report) for finding in report.waived],
        "waivers": [_waiver(use) for use in report.waivers],
        "skipped": [_skipped(item) for item in report.skipped],
        "selection": report.selection or None,
        "partial": report.partial,
        "outcomes": [
            {
                "rule_id": same.outcome.rule_id,
                "severity": same.outcome.severity,
                "states": {str(level): state for level, state in same.outcome.states.items()},
                "scopes_n": same.scopes_n,
                "checked": same.checked,
            }
            for same in found
        ],
        "excluded": report.excluded,
        "coverage": report.coverage,
        "digests": report.digests,
    }
    data = orjson.dumps(rounded(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return visible_json(data)


def _subject(report: Report, info: SubjectInfo) -> JsonObject:
    return {
        "name": info.name,
        "kind": report.subject_kind,
        "title": dict(info.title or report.title),
        "episodes_n": info.episodes_n,
        "duration_s": info.duration_s,
        "episodes": [_episode(episode) for episode in info.episodes],
    }


def _episode(episode: EpisodeInfo) -> JsonObject:
    return {
        "episode_id": episode.episode_id,
        "start_ns": None if episode.start_ns is None else str(episode.start_ns),
        "duration_s": episode.duration_s,
        "task_id": episode.title or None,
        "outcome": episode.outcome or None,
    }


def _verdict(report: Report, found: Sequence[Agreeing]) -> JsonObject:
    judged = verdict(report, found)
    return {
        "level": judged.reached,
        "mark": judged.mark(judged.reached) if judged.reached else None,
        "next_level": judged.blocked,
        "failed": judged.failed,
        "undetermined": judged.undecided,
        "preview": judged.preview,
        "tally": {level: {str(name): n for name, n in tally(found, level).items()} for level in LEVELS},
    }


def _rule(rule: Rule) -> JsonObject:
    return {
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "severity": rule.severity,
        "level": rule.level,
    }


def _group(group: Group) -> JsonObject:
    worst = group.worst
    return {
        "rule_id": group.rule_id,
        "severity": group.severity,
        "state": group.state,
        "level": group.level,
        "findings_n": len(group.findings),
        "undetermined_n": len(group.undecided),
        "episodes": group.episodes,
        "streams": group.streams,
        "spans_n": group.spans_n,
        "worst": _numbers(worst) | {"place": _place(worst.place)},
    }


def _numbers(finding: Finding) -> dict[str, JsonValue]:
    return {
        "measure": finding.measure or None,
        "measured": finding.measured,
        "required": finding.required,
        "comparator": finding.comparator or None,
        "unit": finding.unit or None,
        "reason": finding.reason or None,
    }


def finding_json(finding: Finding, report: Report) -> JsonObject:
    """One finding; `excluded` tells that it is in an episode that does not count."""
    return {
        "rule_id": finding.rule_id,
        "severity": finding.severity,
        "state": finding.state,
        "level": finding.level,
        "excluded": finding.place.episode in report.excluded,
        "place": _place(finding.place),
        **_numbers(finding),
        "spans_n": finding.spans_n,
    }


def _waiver(use: WaiverUse) -> JsonObject:
    given: JsonObject = {item.name: value for item in fields(Waiver) if (value := getattr(use.waiver, item.name))}
    return {**given, "state": use.state, "findings_n": use.findings_n, "broad": use.broad}


def _skipped(item: Skipped) -> JsonObject:
    return {
        "cause": item.cause or None,
        "reason": item.reason,
        "rules": item.rules,
        "level": item.level,
        "places": [_place(place) for place in item.places],
        "places_n": item.places_n,
    }


def _place(place: Place) -> JsonObject:
    """The parts of a place that are known."""
    values = {item.name: getattr(place, item.name) for item in fields(Place)}
    return {
        name: str(value) if name in _NS else value
        for name, value in values.items()
        if value is not None and value != ""
    }
