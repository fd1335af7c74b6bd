"""Reports kept as JSON Lines: several in one file, by `cat` too, and each can be shown again without its facts.

A report is a line about its subject, one about each episode, then the very lines that an attestation signs. These alone
are read as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from embodied_kit.canonical import canonical_bytes, parse_line
from embodied_kit.errors import DataError
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Report
from embodied_validators.judge import report_from_lines, report_lines
from embodied_validators.report.info import EpisodeInfo, SubjectInfo, as_integer

ABOUT = "report_about"
EPISODE = "report_episode"
RECORD_VERSION = "1.0.0"
_MARK = b'"record":"report'


@dataclass(frozen=True)
class Stored:
    """A report as it was read.

    Attributes:
        info: What was said about the subject, or as much as the report itself tells.
    """

    report: Report
    info: SubjectInfo


def render_jsonl(report: Report, info: SubjectInfo) -> bytes:
    """One report as JSON Lines, canonical form (RFC 8785).

    Args:
        report: What the judge said.
        info: Name, episodes and duration of the subject, date and tool; none of it is signed.
    """
    lines = [_about(report, info), *map(_episode, info.episodes)]
    return b"".join(canonical_bytes(line) + b"\n" for line in lines) + report_lines(report)


def read_reports(lines: Iterable[bytes]) -> Iterator[Stored]:
    """Every report of a file, one at a time.

    Args:
        lines: Lines of one or several reports.

    Raises:
        DataError: There is none, or a line is none of a report's.
    """
    about: list[JsonObject] = []
    held: list[bytes] = []
    for line in filter(bytes.strip, lines):
        kind, value = _opening(line)
        if kind in (ABOUT, "report") and held:
            yield _stored(about, held)
            about, held = [], []
        if kind in (ABOUT, EPISODE):
            about.append(value)
        else:
            held.append(line)
    if not held:
        raise DataError(
            "expected the lines of a report, got none",
            remedy="make one: embodied-kit validate DATASET --format jsonl",
        )
    yield _stored(about, held)


def _opening(line: bytes) -> tuple[str, JsonObject]:
    """Kind and value of a line that may begin a report; canonical lines tell without being parsed."""
    value = parse_line(line).value if _MARK in line else None
    return ("", {}) if value is None else (str(value.get("record") or ""), value)


def _stored(about: Sequence[JsonObject], lines: list[bytes]) -> Stored:
    report = report_from_lines(lines)
    if not about:
        return Stored(report, _told_by(report))
    info = _info(about[0], about[1:])
    return Stored(replace(report, title=info.title or {}), info)


def _about(report: Report, info: SubjectInfo) -> JsonObject:
    return {
        "record": ABOUT,
        "record_version": RECORD_VERSION,
        "name": info.name,
        "title": dict(info.title or report.title),
        "episodes_n": info.episodes_n,
        "duration_s": info.duration_s,
        "judged_at": info.judged_at,
        "tool": info.tool,
    }


def _episode(episode: EpisodeInfo) -> JsonObject:
    return {
        "record": EPISODE,
        "episode_id": episode.episode_id,
        "start_ns": None if episode.start_ns is None else str(episode.start_ns),
        "duration_s": episode.duration_s,
        "task_id": episode.title,
        "outcome": episode.outcome,
    }


def _info(about: JsonObject, episodes: Iterable[JsonObject]) -> SubjectInfo:
    version = str(about.get("record_version"))
    if version.partition(".")[0] != RECORD_VERSION.partition(".")[0]:
        raise DataError(f"expected {ABOUT} record_version {RECORD_VERSION}, got {version}")
    title = about.get("title")
    return SubjectInfo(
        name=str(about.get("name") or ""),
        episodes_n=as_integer(about.get("episodes_n")) or 0,
        duration_s=_number(about.get("duration_s")),
        episodes=tuple(map(_read_episode, episodes)),
        title={str(lang): str(text) for lang, text in title.items()} if isinstance(title, Mapping) else None,
        judged_at=str(about.get("judged_at") or ""),
        tool=str(about.get("tool") or ""),
    )


def _read_episode(row: JsonObject) -> EpisodeInfo:
    return EpisodeInfo(
        episode_id=str(row.get("episode_id") or ""),
        start_ns=as_integer(row.get("start_ns")),
        duration_s=_number(row.get("duration_s")),
        title=str(row.get("task_id") or ""),
        outcome=str(row.get("outcome") or ""),
    )


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _told_by(report: Report) -> SubjectInfo:
    """What a report without a line about its subject tells of it: as an attestation keeps it."""
    scopes = [scope for scope in report.outcomes.by_scope if scope != DATASET_SCOPE]
    return SubjectInfo(report.subject, len(scopes), episodes=tuple(EpisodeInfo(scope) for scope in scopes))
