"""Named numeric columns of an episode with their stamps: what derived tables are made of, without the recording.

They are kept as Parquet beside the cached facts: neither signed nor digested into any fact, and rebuilt when lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embodied_kit.measure.derived.track import MAX_TRACK_VALUES, Track, field_layouts
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series

TRACKS_VERSION = 2
"""Raised with every change of what is kept; part of the cache key."""
MAX_KEPT_VALUES = 2**23


@dataclass(frozen=True)
class StreamTrack:
    """Values of one field of one stream, in one layout.

    Attributes:
        stream: stream_id, or the topic where it is not declared.
        publisher: As the table `stream` names it.
        ros_type: Short name, `sensor_msgs/JointState`.
        field: Dotted path of a numeric field.
        names: Of the columns; empty texts where the message gives none.
        n: Rows.
        load: The rows in order of their stamps.
    """

    stream: str
    publisher: str
    ros_type: str
    field: str
    names: tuple[str, ...]
    n: int
    load: Callable[[], Track]


@dataclass(frozen=True)
class Tracks:
    """Tracks of one unit.

    Attributes:
        kept: Declared streams first.
        left_out: Streams of which a field has too many values, or that came when there was no more room.
    """

    kept: tuple[StreamTrack, ...] = ()
    left_out: tuple[str, ...] = ()

    def of(self, stream: str, field: str | None = None) -> Iterator[StreamTrack]:
        """Those of one stream, or of one field of it, longest first."""
        found = [item for item in self.kept if item.stream == stream and field in (None, item.field)]
        yield from sorted(found, key=lambda item: -item.n)


def collect_tracks(episode: Episode) -> Tracks:
    """Every numeric field with dimensions of its own, as long as there is room."""
    kept: list[StreamTrack] = []
    left_out: list[str] = []
    room = MAX_KEPT_VALUES
    for view in episode.streams:
        for series in view.series:
            for track, values_n in _of_series(view, series):
                if values_n > min(room, MAX_TRACK_VALUES):
                    left_out.append(view.stream)
                    continue
                room -= values_n
                kept.append(track)
    return Tracks(tuple(kept), tuple(dict.fromkeys(left_out)))


def _of_series(view: StreamView, series: Series) -> Iterator[tuple[StreamTrack, int]]:
    """Tracks, and how many values each holds."""
    for field in series.numeric.fields.values():
        if field.pooled:
            continue
        for names, rows, load in field_layouts(field):
            track = StreamTrack(view.stream, series.publisher, series.short_type, field.path, names, rows, load)
            yield track, rows * len(names)
