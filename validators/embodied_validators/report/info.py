"""What a report says about its subject besides the verdict: name, episodes, duration, whether pictures may be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from embodied_kit.model.facts import Facts, Row
from embodied_kit.model.json import JsonObject, JsonValue

NS_PER_S = 1_000_000_000
_DECIMAL = re.compile(r"-?[0-9]{1,19}")
PictureReason: TypeAlias = Literal["simulated", "p0", "p1", "asked", "personal", "undeclared"]


@dataclass(frozen=True)
class EpisodeInfo:
    """One episode as people name it.

    Attributes:
        start_ns: Start, ns since the Unix epoch; None where it is not known.
        duration_s: Length in s; None where it is not known.
        title: Task id or the like; empty for none.
        outcome: success, failure ..., as declared; empty where it is not.
    """

    episode_id: str
    start_ns: int | None = None
    duration_s: float | None = None
    title: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class SubjectInfo:
    """What was judged, in people's words.

    Attributes:
        name: Name of the folder or file.
        episodes_n: Number of episodes (1 for an episode or a bare file).
        duration_s: Sum of their lengths in s; None where none is known.
        episodes: The episodes in order of time.
        title: Language -> title of the dataset.
        report_path: Where the HTML report lies; empty for none.
        judged_at: When, RFC 3339; empty to leave it out.
        tool: Name and version of the program; empty to leave it out.
    """

    name: str
    episodes_n: int
    duration_s: float | None = None
    episodes: tuple[EpisodeInfo, ...] = ()
    title: Mapping[str, str] | None = None
    report_path: str = ""
    judged_at: str = ""
    tool: str = ""

    def episode(self, episode_id: str) -> EpisodeInfo | None:
        """The episode of an id, if it is known."""
        return next((item for item in self.episodes if item.episode_id == episode_id), None)


@dataclass(frozen=True)
class PictureDecision:
    """Whether frames of the cameras may stand in the report, and why."""

    allowed: bool
    reason: PictureReason


def pictures_allowed(dataset: JsonObject | None, governance: JsonObject | None, *, asked: bool) -> PictureDecision:
    """Frames are personal data unless the set is simulated, holds none (P0), or is anonymised (P1).

    Args:
        dataset: dataset.json; None where there is none.
        governance: governance.json; None where there is none.
        asked: The user wants them whatever the documents say.
    """
    if asked:
        return PictureDecision(allowed=True, reason="asked")
    if dataset and dataset.get("data_origin") == "sim":
        return PictureDecision(allowed=True, reason="simulated")
    if governance and governance.get("contains_personal_info") is False:
        return PictureDecision(allowed=True, reason="p0")
    if governance and governance.get("deid_claim") == "anonymised":
        return PictureDecision(allowed=True, reason="p1")
    declared = bool(governance) and governance is not None and governance.get("contains_personal_info") is True
    return PictureDecision(allowed=False, reason="personal" if declared else "undeclared")


class SubjectGatherer:
    """Gathers from facts, unit by unit, what a report says about its subject."""

    def __init__(self) -> None:
        self._episodes: dict[str, EpisodeInfo] = {}
        self._title: Mapping[str, str] | None = None

    def passing(self, units: Iterable[Facts]) -> Iterator[Facts]:
        """The units themselves, each looked at before it is handed on."""
        for unit in units:
            documents = unit.tables.get("document", ())
            if unit.scope == "dataset":
                self._title = _title(_document(documents, "dataset"))
            elif unit.scope not in self._episodes:
                streams = unit.tables.get("stream", ())
                self._episodes[unit.scope] = _episode(unit.scope, _document(documents, "episode"), streams)
            yield unit

    def info(self, name: str) -> SubjectInfo:
        """What is known by now; `name` is what the user called it, the last part of its path."""
        ordered = sorted(self._episodes.values(), key=lambda item: (item.start_ns or 0, item.episode_id))
        known = [item.duration_s for item in ordered if item.duration_s is not None]
        return SubjectInfo(
            name=name,
            episodes_n=len(ordered),
            duration_s=sum(known) if known else None,
            episodes=tuple(ordered),
            title=self._title,
        )


def subject_info(name: str, facts: Iterable[Facts]) -> SubjectInfo:
    """What a report says about its subject.

    Args:
        name: What the user called it; the last part of its path.
        facts: Facts of every episode and of the dataset, in any order.
    """
    gatherer = SubjectGatherer()
    for _ in gatherer.passing(facts):
        pass
    return gatherer.info(name)


def _document(rows: Iterable[Row], kind: str) -> JsonObject:
    for row in rows:
        value = row.get("value")
        if row.get("kind") == kind and isinstance(value, Mapping):
            return value
    return {}


def _title(document: JsonObject) -> Mapping[str, str] | None:
    found = {lang: str(document[f"title_{lang}"]) for lang in ("en", "zh") if document.get(f"title_{lang}")}
    return found or None


def _episode(scope: str, document: JsonObject, streams: Iterable[Row]) -> EpisodeInfo:
    start_ns, end_ns = as_integer(document.get("start_ns")), as_integer(document.get("end_ns"))
    if start_ns is None or end_ns is None:
        every = list(streams)
        rows = [row for row in every if row.get("cadence") not in _KEPT_FROM_BEFORE] or every
        start_ns = min(filter(None, (as_integer(row.get("first_stamp_ns")) for row in rows)), default=None)
        end_ns = max(filter(None, (as_integer(row.get("last_stamp_ns")) for row in rows)), default=None)
    duration_s = (end_ns - start_ns) / NS_PER_S if start_ns is not None and end_ns is not None else None
    return EpisodeInfo(
        episode_id=scope,
        start_ns=start_ns,
        duration_s=duration_s,
        title=str(document.get("task_id") or ""),
        outcome=str(document.get("outcome") or ""),
    )


_KEPT_FROM_BEFORE = ("latched", "event")  # their first message may be older than the take


def as_integer(value: JsonValue) -> int | None:
    """A JSON integer, or the decimal string of a `_ns` field; None for anything else, and beyond 64 bits."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return int(value) if fits and isinstance(value, int) else None
