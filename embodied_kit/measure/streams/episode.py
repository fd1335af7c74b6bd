"""All that is known of one episode when its tables are made: what was scanned, and what its documents declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from embodied_kit.canonical import MAX_VALUES
from embodied_kit.episode.layout import CAPTURE_JSON, CLOSING_JSON
from embodied_kit.measure.columns.judged import Judged, judge_stamps
from embodied_kit.measure.declared.documents import Document, document_kind_of_attachment, read_document
from embodied_kit.measure.declared.jsonget import get_ns, get_object, get_objects, get_positive, get_text
from embodied_kit.measure.streams.scan import EpisodeScan
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.facts import Depth
from embodied_kit.model.json import JsonObject

_EMPTY: JsonObject = {}
_NS_PER_S = 1_000_000_000
_LONGEST_ROLL_S = 3600.0  # a document may say anything


@dataclass(frozen=True)
class StreamView:
    """One topic as facts name it: declared, recorded, or both.

    Attributes:
        stream: stream_id, or the topic where it is not declared.
        declared: Its entry in the contract or in episode.json; empty where there is none.
        series: Its publishers, in order of their ids; empty where nothing was recorded.
    """

    stream: str
    topic: str
    declared: JsonObject
    series: tuple[Series, ...]

    @property
    def is_declared(self) -> bool:
        """Whether a document names it."""
        return bool(self.declared)

    @property
    def role(self) -> str:
        """Declared role; empty where there is none."""
        return get_text(self.declared, "role")


@dataclass(frozen=True)
class Episode:
    """One episode, or one bare file or bag (then `episode_id` is None).

    Attributes:
        source: Path of episode.json, or of the first data file where there is none: whose claims are looked at.
        document: episode.json; empty where there is none.
    """

    episode_id: str | None
    depth: Depth
    scan: EpisodeScan
    source: str = ""
    document: JsonObject = field(default_factory=dict)
    _judged: dict[tuple[str, str], list[Judged]] = field(default_factory=dict)

    @cached_property
    def embedded(self) -> tuple[Document, ...]:
        """Documents that the data files carry: capture, closing, calibrations."""
        return tuple(self._embedded())

    @cached_property
    def capture(self) -> JsonObject:
        """The first capture document that can be read."""
        return self._first(CAPTURE_JSON)

    @cached_property
    def closing(self) -> JsonObject:
        """The last closing document that can be read."""
        found = [item for item in self.embedded if item.path == CLOSING_JSON and item.ok]
        return found[-1].value if found else _EMPTY

    @cached_property
    def robots(self) -> Sequence[JsonObject]:
        """Robot documents inside the capture document."""
        return get_objects(self.capture, "robots")

    @cached_property
    def calibrations(self) -> Sequence[JsonObject]:
        """Calibration documents inside the capture document."""
        return get_objects(self.capture, "calibrations")

    @cached_property
    def declared_streams(self) -> Sequence[JsonObject]:
        """Streams of the embedded contract; without one those of episode.json."""
        found = get_objects(get_object(self.capture, "contract"), "streams") or get_objects(self.document, "streams")
        return [stream for stream in found if get_text(stream, "topic")]

    @cached_property
    def streams(self) -> tuple[StreamView, ...]:
        """Every topic, declared ones first, then the others by name."""
        recorded: dict[str, list[Series]] = {}
        for series in self.scan.series.values():
            recorded.setdefault(series.topic, []).append(series)
        views: dict[str, StreamView] = {}
        for entry in self.declared_streams:
            topic = get_text(entry, "topic")
            views.setdefault(topic, _view(get_text(entry, "stream_id") or topic, topic, entry, recorded))
        for topic in sorted(recorded):
            views.setdefault(topic, _view(topic, topic, _EMPTY, recorded))
        return tuple(views.values())

    @cached_property
    def start_end_ns(self) -> tuple[int, int] | None:
        """Start and end of the episode by closing.json, else by episode.json."""
        for document in (self.closing, self.document):
            start, end = get_ns(document, "start_ns"), get_ns(document, "end_ns")
            if start is not None and end is not None and end > start:
                return start, end
        return None

    @cached_property
    def recorded_ns(self) -> int | None:
        """Length of the span with the pre-roll and post-roll that the files hold besides."""
        if self.start_end_ns is None:
            return None
        start_ns, end_ns = self.start_end_ns
        rolls_s = [get_positive(self.closing, name) or 0.0 for name in ("pre_roll_s", "post_roll_s")]
        return end_ns - start_ns + sum(round(min(roll_s, _LONGEST_ROLL_S) * _NS_PER_S) for roll_s in rolls_s)

    @cached_property
    def cameras(self) -> Mapping[str, JsonObject]:
        """stream_id -> camera entry of robot.json."""
        return {get_text(item, "stream_id"): item for robot in self.robots for item in get_objects(robot, "cameras")}

    def judged(self, view: StreamView, series: Series) -> list[Judged]:
        """Judged stamps of a publisher with messages, and their numbers."""
        key = (series.topic, series.publisher)
        if key not in self._judged:
            self._judged[key] = judge_stamps(series, view.declared)
        return self._judged[key]

    def recorded(self, view: StreamView) -> bool:
        """Whether any message of a stream was recorded; at depth `index` the summary of its file says so."""
        counts = (
            self.scan.declared_n.get((series.topic, series.publisher), 0) if self.depth == "index" else series.n
            for series in view.series
        )
        return any(counts)

    def by_role(self, role: str) -> list[StreamView]:
        """Recorded streams of one role."""
        return [view for view in self.streams if view.role == role and view.series]

    def _first(self, name: str) -> JsonObject:
        return next((item.value for item in self.embedded if item.path == name and item.ok), _EMPTY)

    def _embedded(self) -> Iterator[Document]:
        """All of them together hold no more values than one document may: no robot writes so many."""
        left, episode = MAX_VALUES, self.episode_id or ""
        for file in self.scan.files:
            for item in file.embedded:
                kind = document_kind_of_attachment(item.name)
                if kind:
                    found = read_document(item.name, kind, episode, item.data, embedded_in=file.path, max_values=left)
                    left -= found.values_n
                    yield found


def _view(stream: str, topic: str, entry: JsonObject, recorded: Mapping[str, list[Series]]) -> StreamView:
    series = sorted(recorded.get(topic, []), key=lambda item: item.publisher)
    return StreamView(stream, topic, entry, tuple(series))
