"""From an episode's own MCAP files to what the page draws: one pass a file, bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from embodied_kit.episode.paths import open_inside
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.mcap.reader import Batch, McapScan
from embodied_kit.messages.columns import Column, ColumnDecoder, Columns
from embodied_kit.messages.schema import read_schema, short_name
from embodied_kit.model.facts import DATASET_SCOPE, Facts, Row
from embodied_kit.model.report import Report
from embodied_validators.report.decimate import Detailed, Times, detailed
from embodied_validators.report.episode_view import EpisodeView, Rate, Series, Span, Strip
from embodied_validators.report.group import group_findings
from embodied_validators.report.info import NS_PER_S, EpisodeInfo, PictureDecision, as_integer
from embodied_validators.report.reach import Reach
from embodied_validators.report.thumbnail import is_picture, thumbnail
from embodied_validators.report.trails import MOST_PATHS, Trails

MOST_RATES = 24
_MOST_SERIES = 32
_FRAMES = 8
_LONGEST_S = 1e9  # a longer span is a lie, and its nanoseconds leave 64 bits
_LEAST_MESSAGES = 3
_JOINT_STATE = "sensor_msgs/JointState"
_PLOTTED_FIELDS = ("position", "position.x", "position.y", "position.z")
_AXES = ("x", "y", "z")
_STAMP = "header.stamp"
_MORE_PATHS = f"only the first {MOST_PATHS} paths are drawn"
_NO_FILE = "a data file could not be opened"
_MORE_SERIES = f"only the first {_MOST_SERIES} lines are plotted"
_NO_SPAN = "the span of the episode is not known"


def worst_episodes(report: Report, most: int = 6) -> tuple[str, ...]:
    """Ids of the episodes worth drawing: excluded ones and those of the worst findings first, then the others.

    Args:
        report: What the judge said.
        most: Number of episodes at most.
    """
    groups = group_findings(report.findings, report.excluded)
    named = [episode for group in groups for episode in group.episodes]
    known = [scope for scope in report.outcomes.by_scope if scope != DATASET_SCOPE]
    return tuple(dict.fromkeys([*named, *report.excluded, *known]))[:most]


def episode_view(root: Path, facts: Facts, info: EpisodeInfo, pictures: PictureDecision) -> EpisodeView:
    """Read an episode's files once and keep what the page draws.

    A file that cannot be opened is missing from the plots and said so in `notes`; findings about it are the judge's.

    Args:
        root: Folder that the paths in the facts are relative to; for a bare file the file itself.
        facts: Facts of the episode: its files, streams, units and faults in time.
        info: Its name, start and length.
        pictures: Whether frames of the cameras may be shown.
    """
    span_ns = _span(info, facts)
    name = root.name if facts.subject == "bare" else facts.scope
    if span_ns is None:
        return EpisodeView(name, info.title, 0, NS_PER_S, pictures=pictures.reason, notes=(_NO_SPAN,))
    gatherer = _Gatherer(facts, span_ns[0], span_ns[1], show_pictures=pictures.allowed)
    for row in facts.tables.get("container", ()):
        gatherer.read(root, str(row.get("path") or ""))
    rates, left_out = gatherer.rates()
    notes = [*gatherer.notes]
    if left_out:
        notes.append(f"{left_out} more streams are not plotted")
    if gatherer.trails.overflow:
        notes.append(_MORE_PATHS)
    return EpisodeView(
        episode_id=name,
        title=info.title,
        start_ns=span_ns[0],
        end_ns=span_ns[1],
        series=gatherer.series(),
        rates=rates,
        strips=gatherer.strips(),
        paths=gatherer.trails.result(gatherer.stream_id) or gatherer.reach.paths(root, gatherer.stream_id),
        spans=gatherer.faults,
        pictures=pictures.reason,
        notes=tuple(dict.fromkeys(notes)),
    )


def _span(info: EpisodeInfo, facts: Facts) -> tuple[int, int] | None:
    """Start and end of the time axis, widened to every stamp that the facts name."""
    rows = facts.tables.get("stream", ())
    firsts = [stamp for row in rows if (stamp := as_integer(row.get("first_stamp_ns")))]
    lasts = [stamp for row in rows if (stamp := as_integer(row.get("last_stamp_ns")))]
    if info.start_ns is not None and info.duration_s and 0 < info.duration_s <= _LONGEST_S:
        return info.start_ns, info.start_ns + round(info.duration_s * NS_PER_S)
    return (min(firsts), max(lasts)) if firsts and lasts and max(lasts) > min(firsts) else None


def _faults(facts: Facts) -> tuple[Span, ...]:
    spans = []
    for row in facts.tables.get("span", ()):
        start_ns, end_ns = as_integer(row.get("start_ns")), as_integer(row.get("end_ns"))
        if start_ns is not None and end_ns is not None:
            spans.append(
                Span(str(row.get("stream") or ""), str(row.get("kind") or ""), start_ns, max(start_ns, end_ns))
            )
    return tuple(sorted(spans, key=lambda span: (span.start_ns, span.stream, span.kind)))


@dataclass
class _Interval:
    """Growing intervals of one channel."""

    envelope: Detailed
    last_ns: int | None = None
    messages_n: int = 0

    def add(self, stamps_ns: Times) -> None:
        joined = stamps_ns if self.last_ns is None else np.concatenate([[self.last_ns], stamps_ns])
        if len(stamps_ns):
            self.last_ns = int(stamps_ns[-1])
            self.messages_n += len(stamps_ns)
            self.envelope.add(joined[1:], np.diff(joined).astype(np.float64))


@dataclass
class _Camera:
    """Frames of one camera, each the first at or after an evenly spaced moment."""

    moments_ns: list[int]
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    depth: bool = False


@dataclass
class _Gatherer:
    """What has been read so far of one episode."""

    facts: Facts
    start_ns: int
    end_ns: int
    show_pictures: bool
    notes: list[str] = field(default_factory=list)
    intervals: dict[tuple[str, str], _Interval] = field(default_factory=dict)
    lines: dict[tuple[str, str, int], Detailed] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cameras: dict[str, _Camera] = field(default_factory=dict)
    trails: Trails = field(default_factory=Trails)
    reach: Reach = field(default_factory=Reach)

    def __post_init__(self) -> None:
        self.streams: Mapping[str, Row] = {
            str(row["topic"]): row for row in self.facts.tables.get("stream", ()) if row.get("topic")
        }
        self.faults = _faults(self.facts)

    def read(self, root: Path, relative: str) -> None:
        """Read one file of the episode."""
        try:
            path = root if root.is_file() else root / relative
            if path != root:
                open_inside(root, relative).close()
            with McapScan(path) as scan:
                decoders: dict[int, ColumnDecoder | None] = {}
                for batch in scan.batches():
                    for channel_id, part in batch.by_channel().items():
                        self._take(scan, decoders, channel_id, part)
        except (EmbodiedKitError, OSError):
            self.notes.append(_NO_FILE)

    def _take(self, scan: McapScan, decoders: dict[int, ColumnDecoder | None], channel_id: int, batch: Batch) -> None:
        channel = scan.channels.get(channel_id)
        if channel is None:
            return
        schema = scan.schemas.get(channel.schema_id)
        if channel_id not in decoders:
            usable = schema is not None and channel.message_encoding == "cdr"
            decoders[channel_id] = (
                ColumnDecoder(read_schema(schema.name, schema.encoding, schema.data)) if schema and usable else None
            )
        decoder = decoders[channel_id]
        publish_ns = batch.publish_time.astype(np.int64)
        columns = decoder.decode(batch.buffer, batch.offset, batch.length) if decoder else None
        stamps_ns = _stamps(columns, publish_ns)
        key = (channel.topic, str(channel.metadata.get("publisher_gid", "")))
        if key not in self.intervals:
            self.intervals[key] = _Interval(self._envelope(channel.topic))
        self.intervals[key].add(stamps_ns)
        if schema is None or columns is None or not columns.fields:
            return
        ros_type = short_name(schema.name)
        self._take_values(channel.topic, ros_type, columns, stamps_ns)
        self.trails.take(channel.topic, columns, stamps_ns)
        self.reach.take_description(channel.topic, columns)
        if self.show_pictures and is_picture(ros_type):
            self._take_frames(channel.topic, batch, columns, stamps_ns)

    def _take_values(self, topic: str, ros_type: str, columns: Columns, stamps_ns: Times) -> None:
        row = self.streams.get(topic, {})
        if row.get("role") != "state" and ros_type != _JOINT_STATE:
            return
        if ros_type == _JOINT_STATE and row.get("role") not in {"state", None}:
            return
        for path, column in columns.fields.items():
            if column.kind == "number" and _plotted(path):
                self._take_column(topic, path, column, stamps_ns)
        names = columns.fields.get("name")
        if topic not in self.names and names is not None:
            self.names[topic] = _first_texts(names)
        if ros_type == _JOINT_STATE:
            self.reach.take_joints(topic, self.names.get(topic, ()), columns, stamps_ns)

    def _take_column(self, topic: str, path: str, column: Column, stamps_ns: Times) -> None:
        for width, rows, values in column.by_length():
            numbers = values.astype(np.float64)
            times = stamps_ns[column.message[rows]]
            for index in range(width):
                key = (topic, path, index)
                if key not in self.lines and len(self.lines) >= _MOST_SERIES:
                    self.notes.append(_MORE_SERIES)
                    continue
                if key not in self.lines:
                    self.lines[key] = self._envelope(topic)
                self.lines[key].add(times, numbers[:, index])

    def _take_frames(self, topic: str, batch: Batch, columns: Columns, stamps_ns: Times) -> None:
        camera = self.cameras.setdefault(topic, _Camera(self._moments()))
        good = np.flatnonzero(~columns.failed)
        for row, index in enumerate(good.tolist()):
            if not camera.moments_ns:
                return
            time_ns = int(stamps_ns[index])
            if time_ns < camera.moments_ns[0]:
                continue
            camera.moments_ns = [moment for moment in camera.moments_ns if moment > time_ns]
            if shown := thumbnail(batch.buffer, columns, row):
                camera.frames.append((time_ns, shown.jpeg))
                camera.depth = shown.depth

    def _moments(self) -> list[int]:
        step = (self.end_ns - self.start_ns) / _FRAMES
        return [self.start_ns + round(step * (index + 0.5)) for index in range(_FRAMES)]

    def rates(self) -> tuple[tuple[Rate, ...], int]:
        """The streams with intervals, those with faults first, and how many were left out."""
        faulty = {span.stream for span in self.faults}
        found = [(key, item) for key, item in self.intervals.items() if item.messages_n >= _LEAST_MESSAGES]
        found.sort(key=lambda item: (self.stream_id(item[0][0]) not in faulty, -item[1].messages_n, item[0]))
        rates = []
        for (topic, _), interval in found[:MOST_RATES]:
            times_ns, intervals_ns = interval.envelope.result()
            nominal = self.streams.get(topic, {}).get("nominal_rate_hz")
            rate_hz = float(nominal) if isinstance(nominal, int | float) and nominal > 0 else None
            rates.append(Rate(self.stream_id(topic), topic, rate_hz, times_ns, intervals_ns))
        return tuple(rates), max(0, len(found) - MOST_RATES)

    def series(self) -> tuple[Series, ...]:
        """The values, named as the messages or the facts name them."""
        found = []
        for (topic, path, index), envelope in self.lines.items():
            dim = self._dim(topic, path, index)
            names = self.names.get(topic, ())
            name = str(dim.get("name") or "") or (names[index] if index < len(names) else _short_name(path, index))
            found.append(Series(self.stream_id(topic), name, str(dim.get("unit") or ""), *envelope.result()))
        return tuple(found)

    def strips(self) -> tuple[Strip, ...]:
        """Frames of each camera that gave any."""
        return tuple(
            Strip(self.stream_id(topic), topic, tuple(camera.frames), depth=camera.depth)
            for topic, camera in sorted(self.cameras.items())
            if camera.frames
        )

    def _envelope(self, topic: str) -> Detailed:
        stream = self.stream_id(topic)
        faults = [(span.start_ns, span.end_ns) for span in self.faults if span.stream == stream]
        return detailed(self.start_ns, self.end_ns, faults)

    def stream_id(self, topic: str) -> str:
        """The declared stream of a topic; the topic itself where none is."""
        return str(self.streams.get(topic, {}).get("stream") or topic)

    def _dim(self, topic: str, path: str, index: int) -> Row:
        stream = self.stream_id(topic)
        parent, _, last = path.rpartition(".")
        if last in _AXES:  # the facts keep the components of a vector under the vector
            path, index = parent, _AXES.index(last)
        for row in self.facts.tables.get("dim", ()):
            if row.get("stream") == stream and row.get("field") == path and row.get("index") == index:
                return row
        return {}


def _plotted(path: str) -> bool:
    return any(path == name or path.endswith(f".{name}") for name in _PLOTTED_FIELDS) and "[]" not in path


def _short_name(path: str, index: int) -> str:
    last = path.rpartition(".")[2]
    return last if last in _AXES else f"{last}[{index}]"


def _first_texts(column: Column) -> tuple[str, ...]:
    """Texts of the first message; none where the field is no list of texts."""
    if column.kind != "text" or column.length is None or not len(column.length):
        return ()
    return tuple(column.texts()[: int(column.length[0])])


def _stamps(columns: Columns | None, publish_ns: Times) -> Times:
    """Header stamps where the messages have them and they are set, else publish times; one a message."""
    column = columns.fields.get(_STAMP) if columns else None
    if column is None or column.kind != "time" or column.length is not None:
        return publish_ns
    stamps: Times = publish_ns.copy()
    header = column.values.astype(np.int64)
    stamped = header != 0
    stamps[column.message[stamped]] = header[stamped]
    return stamps
