"""The signed form of a report: canonical JSON Lines without time, absolute path, free prose or tool version.

The dataset's title is prose and stays outside; a report read back has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import chain
from typing import Any

from embodied_kit.canonical import canonical_bytes, parse_line
from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.outcomes import Outcomes, Said, State
from embodied_kit.model.report import Finding, Place, Report, Skipped, Waiver, WaiverUse
from embodied_kit.model.rule import LEVELS, Level

RECORD_VERSION = 1
_MAX_LINE = 2**24
_FINDING_PARTS = tuple((item.name, item.default) for item in fields(Finding) if item.name != "place")
_PLACE_PARTS = tuple((item.name, item.default) for item in fields(Place))
_PLACE_NS = ("start_ns", "end_ns")


def report_lines(report: Report) -> bytes:
    """JSON Lines: a header, each scope with the outcome of each rule, findings, waived findings, what was skipped."""
    scopes = _scope_lines(report, canonical_bytes(_header(report)) + b"\n")
    return b"".join(chain(scopes, (canonical_bytes(line) + b"\n" for line in _finding_lines(report))))


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


def _header(report: Report) -> JsonObject:
    return {
        "record": "report",
        "record_version": RECORD_VERSION,
        "subject": report.subject,
        "subject_kind": report.subject_kind,
        "profile": report.profile,
        "level": report.level,
        "excluded": report.excluded,
        "digests": {name: digest for name, digest in report.digests.items() if digest},
        "coverage": report.coverage,
        **({"waivers": [_waiver(use) for use in report.waivers]} if report.waivers else {}),
        **({"selection": report.selection} if report.selection else {}),
        **({"partial": True} if report.partial else {}),
    }


def _scope_lines(report: Report, header: bytes) -> Iterator[bytes]:
    """The header, then a line a scope; the outcomes that scopes share are written once."""
    yield header
    written: dict[int, bytes] = {}
    for scope, said in report.outcomes.by_scope.items():
        if id(said) not in written:
            written[id(said)] = canonical_bytes(_groups(said))
        level = canonical_bytes(report.levels.get(scope))
        yield b'{"level":%b,"outcomes":%b,"record":"scope","scope":%b}\n' % (
            level,
            written[id(said)],
            canonical_bytes(scope),
        )


def _groups(said: Iterable[Said]) -> list[JsonValue]:
    """Rules with the same severity and states together: a tenth of the bytes of one object a rule."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, JsonValue]] = {}
    for item in said:
        key = (item.severity, tuple(item.states.items()))
        groups.setdefault(key, {})[item.rule_id] = item.checked
    return [
        {"severity": severity, "states": dict(states), "rules": rules} for (severity, states), rules in groups.items()
    ]


def _finding_lines(report: Report) -> Iterator[JsonObject]:
    for finding in report.findings:
        yield {"record": "finding", **_finding_line(finding)}
    for finding in report.waived:
        yield {"record": "waived", **_finding_line(finding)}
    for item in report.skipped:
        yield {
            "record": "skipped",
            **({"cause": item.cause} if item.cause else {}),
            "reason": item.reason,
            "rules": list(item.rules),
            "level": item.level,
            "places": [_place(place) for place in item.places],
            "places_n": item.places_n,
        }


def _finding_line(finding: Finding) -> JsonObject:
    """Only what differs from the defaults, so that a finding stays one short line."""
    kept = {name: value for name, default in _FINDING_PARTS if (value := getattr(finding, name)) != default}
    return {**kept, "place": _place(finding.place)}


def _place(place: Place) -> JsonObject:
    return {
        name: str(value) if name in _PLACE_NS else value
        for name, default in _PLACE_PARTS
        if (value := getattr(place, name)) != default
    }


def _waiver(use: WaiverUse) -> JsonObject:
    waiver = {item.name: value for item in fields(Waiver) if (value := getattr(use.waiver, item.name))}
    return {**waiver, "state": use.state, "findings_n": use.findings_n, **({"broad": True} if use.broad else {})}


def _record(line: bytes) -> JsonObject:
    result = parse_line(line, max_bytes=_MAX_LINE)
    if result.value is None:
        raise DataError(f"expected JSON lines of a report, got {result.problem}: {result.place}")
    return result.value


def _report(header: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> Report:
    if header["record_version"] != RECORD_VERSION:
        raise DataError(f"expected report record_version {RECORD_VERSION}, got {header['record_version']}")
    levels: dict[str, Level | None] = {}
    outcomes: dict[str, tuple[Said, ...]] = {}
    found: dict[str, list[Finding]] = {"finding": [], "waived": []}
    skipped: list[Skipped] = []
    for record in records:
        kind = record["record"]
        if kind == "scope":
            levels[record["scope"]] = record["level"]
            outcomes[record["scope"]] = _outcomes(record)
        elif kind == "skipped":
            skipped.append(_skipped(record))
        elif kind in found:
            found[kind].append(_finding(record))
        else:
            raise DataError(f"expected a scope, a finding or what was skipped, got '{kind}'")
    return Report(
        subject=header["subject"],
        subject_kind=header["subject_kind"],
        profile=header["profile"],
        findings=tuple(found["finding"]),
        outcomes=Outcomes(outcomes),
        level=header["level"],
        levels={} if header["subject_kind"] == "bare" else levels,
        excluded=header["excluded"],
        coverage=header["coverage"],
        digests=header["digests"],
        skipped=tuple(skipped),
        waived=tuple(found["waived"]),
        waivers=tuple(map(_waiver_use, header.get("waivers", ()))),
        selection=header.get("selection", ""),
        partial=header.get("partial", False),
    )


def _outcomes(record: Mapping[str, Any]) -> tuple[Said, ...]:
    said = []
    for group in record["outcomes"]:
        states: dict[Level, State] = {level: group["states"][level] for level in LEVELS if level in group["states"]}
        said += [Said(rule, group["severity"], states, checked) for rule, checked in group["rules"].items()]
    return tuple(sorted(said, key=lambda item: item.rule_id))


def _finding(record: Mapping[str, Any]) -> Finding:
    values: dict[str, Any] = {name: value for name, value in record.items() if name not in ("record", "place")}
    return Finding(place=_read_place(record["place"]), **values)


def _read_place(record: Mapping[str, Any]) -> Place:
    place: dict[str, Any] = {name: int(value) if name in _PLACE_NS else value for name, value in record.items()}
    return Place(**place)


def _skipped(record: Mapping[str, Any]) -> Skipped:
    return Skipped(
        cause=record.get("cause", ""),
        reason=record["reason"],
        rules=tuple(record["rules"]),
        level=record["level"],
        places=tuple(map(_read_place, record["places"])),
        places_n=record["places_n"],
    )


def _waiver_use(record: Mapping[str, Any]) -> WaiverUse:
    named = {name: value for name, value in record.items() if name not in ("state", "findings_n", "broad")}
    return WaiverUse(Waiver(**named), record["state"], record["findings_n"], record.get("broad", False))
