"""The signed form of a report: canonical JSON Lines without time, absolute path, free prose or tool version.

The dataset's title is prose and stays outside; a report read back has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import groupby
from typing import Any

from embodied_kit.canonical import canonical_bytes, parse_json
from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding, Outcome, Place, Report, State
from embodied_kit.model.rule import LEVELS, Level

RECORD_VERSION = 1
_MAX_LINE = 2**24
_PLACE_NS = ("start_ns", "end_ns")


def report_lines(report: Report) -> bytes:
    """JSON Lines: a header, a line for each scope with the outcome of each rule, a line for each finding."""
    return b"".join(canonical_bytes(line) + b"\n" for line in _lines(report))


def report_from_lines(lines: bytes | Iterable[bytes]) -> Report:
    """Report of its lines, for rendering it again.

    Raises:
        DataError: The lines are not those of a report.
    """
    split = lines.splitlines() if isinstance(lines, bytes) else lines
    records = [_record(line) for line in split]
    if not records or records[0].get("record") != "report":
        raise DataError("expected a report that begins with its header line")
    try:
        return _report(records[0], records[1:])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"expected the lines of a report, got one without {error}") from error


def _lines(report: Report) -> Iterator[JsonObject]:
    yield {
        "record": "report",
        "record_version": RECORD_VERSION,
        "subject": report.subject,
        "subject_kind": report.subject_kind,
        "profile": report.profile,
        "level": report.level,
        "excluded": report.excluded,
        "digests": {name: digest for name, digest in report.digests.items() if digest},
        "coverage": report.coverage,
    }
    for scope, outcomes in groupby(report.outcomes, key=lambda outcome: outcome.scope):
        yield {
            "record": "scope",
            "scope": scope,
            "level": report.levels.get(scope),
            "outcomes": _groups(outcomes),
        }
    yield from map(_finding_line, report.findings)


def _groups(outcomes: Iterable[Outcome]) -> list[JsonValue]:
    """Rules with the same severity and states together: a tenth of the bytes of one object a rule."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, JsonValue]] = {}
    for outcome in outcomes:
        key = (outcome.severity, tuple(outcome.states.items()))
        groups.setdefault(key, {})[outcome.rule_id] = outcome.checked
    return [
        {"severity": severity, "states": dict(states), "rules": rules} for (severity, states), rules in groups.items()
    ]


def _finding_line(finding: Finding) -> JsonObject:
    """Only what differs from the defaults, so that a finding stays one short line."""
    values = {item.name: getattr(finding, item.name) for item in fields(Finding) if item.name != "place"}
    kept = {
        item.name: values[item.name] for item in fields(Finding) if values.get(item.name, item.default) != item.default
    }
    place = {
        item.name: str(value) if item.name in _PLACE_NS else value
        for item in fields(Place)
        if (value := getattr(finding.place, item.name)) != item.default
    }
    return {"record": "finding", **kept, "place": place}


def _record(line: bytes) -> JsonObject:
    result = parse_json(line, max_bytes=_MAX_LINE)
    if result.value is None:
        raise DataError(f"expected JSON lines of a report, got {result.problem}: {result.place}")
    return result.value


def _report(header: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> Report:
    if header["record_version"] != RECORD_VERSION:
        raise DataError(f"expected report record_version {RECORD_VERSION}, got {header['record_version']}")
    levels: dict[str, Level | None] = {}
    outcomes: list[Outcome] = []
    findings: list[Finding] = []
    for record in records:
        if record["record"] == "scope":
            levels[record["scope"]] = record["level"]
            outcomes.extend(_outcomes(record))
        elif record["record"] == "finding":
            findings.append(_finding(record))
        else:
            raise DataError(f"expected a scope or a finding, got '{record['record']}'")
    return Report(
        subject=header["subject"],
        subject_kind=header["subject_kind"],
        profile=header["profile"],
        findings=tuple(findings),
        outcomes=tuple(outcomes),
        level=header["level"],
        levels={} if header["subject_kind"] == "bare" else levels,
        excluded=header["excluded"],
        coverage=header["coverage"],
        digests=header["digests"],
    )


def _outcomes(record: Mapping[str, Any]) -> list[Outcome]:
    scope = record["scope"]
    outcomes = []
    for group in record["outcomes"]:
        states: dict[Level, State] = {level: group["states"][level] for level in LEVELS if level in group["states"]}
        outcomes += [
            Outcome(rule, scope, group["severity"], states, checked) for rule, checked in group["rules"].items()
        ]
    return sorted(outcomes, key=lambda outcome: outcome.rule_id)


def _finding(record: Mapping[str, Any]) -> Finding:
    place: dict[str, Any] = {
        name: int(value) if name in _PLACE_NS else value for name, value in record["place"].items()
    }
    values: dict[str, Any] = {name: value for name, value in record.items() if name not in ("record", "place")}
    return Finding(place=Place(**place), **values)
