"""What a scan leaves for derived tables: tracks, and what the data files carry of documents; kept as one Parquet file.

One row group a track: stream, publisher, type, field, names, stamps in ns, values row by row. The documents lie in the
file's metadata. Values are exact; the bytes are not, another pyarrow may write others, so nothing digests them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from embodied_kit.canonical import MAX_DEPTH, MAX_VALUES, canonical_bytes, parse_json
from embodied_kit.measure.declared.given import NOTHING_GIVEN, Given, GivenRobot, embedded_given
from embodied_kit.measure.declared.jsonget import get_object, get_objects, get_texts
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.derived.tracks import StreamTrack, Tracks, collect_tracks
from embodied_kit.measure.images.imagetracks import with_images
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.model.json import JsonObject

_KEY = b"embodied_kit"
_MOST_BYTES, _MOST_VALUES = 2**27, 4 * MAX_VALUES
_TEXTS = ("stream", "publisher", "ros_type", "field")
_HEAD = (*_TEXTS, "names", "n")
_STAMPS, _VALUES = "stamps_ns", "values"


@dataclass(frozen=True)
class Recording:
    """What the data files of one unit leave for derived tables.

    Attributes:
        tracks: Numeric columns.
        streams: Declared streams: of the embedded contract, else of episode.json.
        embedded: Robots and calibrations that the data files carry.
        span: Start and end of the episode in ns by closing.json, else by episode.json; None where neither says.
    """

    tracks: Tracks
    streams: tuple[JsonObject, ...] = ()
    embedded: Given = NOTHING_GIVEN
    span: tuple[int, int] | None = None


def recording_of(episode: Episode) -> Recording:
    """What the scan of an episode leaves; its tracks can be loaded while the scan's columns are open."""
    streams = tuple(episode.declared_streams)
    tracks = with_images(collect_tracks(episode), episode)
    return Recording(tracks, streams, embedded_given(episode), episode.start_end_ns)


def write_recording(recording: Recording, path: Path) -> None:
    """Keep a recording, a track at a time.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 - only who keeps tracks or derives again needs it
    from pyarrow import parquet  # noqa: PLC0415 - the same

    kinds = [*(pa.string() for _ in _TEXTS), pa.list_(pa.string()), pa.int64()]
    kinds += [pa.list_(pa.int64()), pa.list_(pa.float64())]
    fields = list(zip((*_HEAD, _STAMPS, _VALUES), kinds, strict=True))
    schema = pa.schema(fields, metadata={_KEY: canonical_bytes(_documents(recording))})
    encoding = {f"{_VALUES}.list.element": "BYTE_STREAM_SPLIT", f"{_STAMPS}.list.element": "DELTA_BINARY_PACKED"}
    with parquet.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=False, write_statistics=False, column_encoding=encoding
    ) as writer:
        for item in recording.tracks.kept:
            track = item.load()
            columns = [
                *(pa.array([getattr(item, name)], kind) for name, kind in zip(_HEAD, kinds, strict=False)),
                _one_list(pa.array(track.stamps)),
                _one_list(pa.array(np.ascontiguousarray(track.values).reshape(-1))),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def read_recording(path: Path) -> Recording | None:
    """A recording that `write_recording` kept; None where it is none. Whether the bytes are whole the caller knows.

    Raises:
        OSError: It cannot be read.
    """
    from pyarrow import parquet  # noqa: PLC0415 - only who keeps tracks or derives again needs it

    with parquet.ParquetFile(path) as file:
        text = (file.schema_arrow.metadata or {}).get(_KEY, b"")
        heads = file.read(columns=list(_HEAD)).to_pylist()
    value = parse_json(text, max_bytes=_MOST_BYTES, max_depth=MAX_DEPTH + 4, max_values=_MOST_VALUES).value
    if value is None:
        return None
    kept = tuple(
        StreamTrack(
            head["stream"],
            head["publisher"],
            head["ros_type"],
            head["field"],
            tuple(head["names"]),
            head["n"],
            partial(_load, path, row),
        )
        for row, head in enumerate(heads)
    )
    robots = tuple(_robot(item) for item in get_objects(value, "robots"))
    span = tuple(int(item) for item in get_texts(value, "span"))
    return Recording(
        Tracks(kept, tuple(get_texts(value, "left_out"))),
        tuple(get_objects(value, "streams")),
        Given(robots, tuple(get_objects(value, "calibrations"))),
        (span[0], span[1]) if len(span) == 2 else None,
    )


def _one_list(flat: Any) -> Any:
    """A column of one row, which is a list of all these values."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.ListArray.from_arrays(pa.array([0, len(flat)], pa.int32()), flat)


def _load(path: Path, row: int) -> Track:
    from pyarrow import parquet  # noqa: PLC0415 - as above

    with parquet.ParquetFile(path) as file:
        found = file.read_row_group(row, columns=["names", _STAMPS, _VALUES])
    names = tuple(found.column("names")[0].as_py())
    stamps, values = (found.column(name).chunk(0).values.to_numpy() for name in (_STAMPS, _VALUES))
    return Track(names, stamps, values.reshape(-1, len(names)))


def _documents(recording: Recording) -> JsonObject:
    return {
        "streams": list(recording.streams),
        "robots": [
            {"document": item.document, "urdf": None if item.urdf is None else base64.b64encode(item.urdf).decode()}
            for item in recording.embedded.robots
        ],
        "calibrations": list(recording.embedded.calibrations),
        "span": [str(item) for item in recording.span or ()],
        "left_out": list(recording.tracks.left_out),
    }


def _robot(item: JsonObject) -> GivenRobot:
    urdf = item.get("urdf")
    return GivenRobot(get_object(item, "document"), base64.b64decode(urdf) if isinstance(urdf, str) else None)
