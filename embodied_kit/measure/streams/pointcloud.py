"""Point clouds of a stream (sensor_msgs/PointCloud2), looked at one by one as they pass; a row is kept of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.images.framerow import State
from embodied_kit.messages.columns import Column, Columns

POINT_CLOUD = "sensor_msgs/PointCloud2"
CLOUD_FIELDS = {
    "header.frame_id": "text",
    **dict.fromkeys(("height", "width", "is_bigendian", "point_step", "row_step"), "number"),
    "fields[].name": "text",
    **{f"fields[].{name}": "number" for name in ("offset", "datatype")},
    "data": "blob",
}
CLOUD_DTYPE = np.dtype(
    [
        ("state", "u1"),
        ("points", "<i8"),
        ("finite", "<i8"),
        ("range", "<f8"),
        ("low", "<f8", (3,)),
        ("high", "<f8", (3,)),
    ]
)
MAX_RANGED = 2**16
"""Points of a cloud whose distance enters its median, spread evenly."""
_FLOATS = {7: "f4", 8: "f8"}  # sensor_msgs/PointField FLOAT32, FLOAT64
_AXES = ("x", "y", "z")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CloudLayout:
    """Where the coordinates of a point lie.

    Attributes:
        height, width: Rows and points of a row.
        point_step, row_step: Bytes of a point and of a row.
        offsets: Of x, y, z within a point; None where one of them is missing.
        dtypes: Of x, y, z; an empty text for a type that holds no coordinate.
    """

    height: int
    width: int
    point_step: int
    row_step: int
    offsets: tuple[int, int, int] | None
    dtypes: tuple[str, ...]


class CloudLog:
    """Clouds of one stream.

    Args:
        store: Owner of the columns.
    """

    def __init__(self, store: ColumnStore) -> None:
        self.rows = store.column(CLOUD_DTYPE)
        self.frame_ids: set[str] = set()
        self.undecoded_n = 0

    def add(self, buffer: memoryview, columns: Columns) -> None:
        """Add the clouds of a batch whose columns have CLOUD_FIELDS; blobs lie in `buffer`."""
        frame_ids = columns.fields["header.frame_id"]
        if len(self.frame_ids) < 16:
            self.frame_ids.update(frame_ids.table)
        blobs = columns.fields["data"].values.astype(np.int64)
        rows = np.zeros(len(blobs), CLOUD_DTYPE)
        for index, (layout, (begin, length)) in enumerate(zip(_layouts(columns), blobs.tolist(), strict=True)):
            rows[index : index + 1] = _row(buffer[begin : begin + length], layout)
        self.undecoded_n += int((rows["state"] == State.UNDECODED).sum())
        self.rows.append(rows)


def read_points(data: memoryview, layout: CloudLayout) -> Floats | None:
    """Coordinates (n, 3) in the cloud's own unit and frame; None where the sizes contradict one another."""
    if layout.offsets is None or not all(layout.dtypes):
        return None
    count, inside = layout.height * layout.width, layout.width * layout.point_step
    ends = [offset + np.dtype(kind).itemsize for offset, kind in zip(layout.offsets, layout.dtypes, strict=True)]
    if max(ends) > layout.point_step or layout.row_step < inside or not count:
        return np.empty((0, 3)) if not count and not len(data) else None
    if len(data) < layout.row_step * (layout.height - 1) + inside:
        return None
    points = np.empty((count, 3))
    for axis, (offset, kind) in enumerate(zip(layout.offsets, layout.dtypes, strict=True)):
        strides = (layout.row_step, layout.point_step)
        view: Floats = np.ndarray((layout.height, layout.width), np.dtype(kind), data, offset, strides)
        points[:, axis] = view.reshape(-1)
    return points


def _row(data: memoryview, layout: CloudLayout) -> NDArray[np.void]:
    row = np.zeros(1, CLOUD_DTYPE)
    row["range"] = row["low"] = row["high"] = np.nan
    if layout.offsets is None or not all(layout.dtypes):
        row["state"] = State.UNDECODED
        return row
    points = read_points(data, layout)
    if points is None:
        row["state"] = State.FAILED
        return row
    finite = points[np.isfinite(points).all(axis=1)]
    row["points"], row["finite"] = len(points), len(finite)
    if len(finite):
        row["low"], row["high"] = finite.min(axis=0), finite.max(axis=0)
        some = finite[:: -(-len(finite) // MAX_RANGED)]
        distance = np.sqrt(some[:, 0] ** 2 + some[:, 1] ** 2 + some[:, 2] ** 2)
        middle = (len(distance) - 1) // 2
        row["range"] = np.partition(distance, middle)[middle]
    return row


def _layouts(columns: Columns) -> list[CloudLayout]:
    fields = columns.fields
    names, offsets, kinds = (fields[f"fields[].{name}"] for name in ("name", "offset", "datatype"))
    numbers = [fields[name].values.tolist() for name in ("height", "width", "point_step", "row_step", "is_bigendian")]
    of_message = names.message
    found = []
    for place, (height, width, point_step, row_step, big) in enumerate(zip(*numbers, strict=True)):
        message = int(fields["height"].message[place])
        rows = range(*np.searchsorted(of_message, [message, message + 1]).tolist())
        where, types = _coordinates(names, offsets, kinds, rows, ">" if big else "<")
        found.append(CloudLayout(height, width, point_step, row_step, where, types))
    return found


def _coordinates(
    names: Column, offsets: Column, kinds: Column, rows: range, order: str
) -> tuple[tuple[int, int, int] | None, tuple[str, ...]]:
    by_name = {names.table[int(names.values[row])]: row for row in rows}
    if not all(axis in by_name for axis in _AXES):
        return None, ()
    x, y, z = (int(offsets.values[by_name[axis]]) for axis in _AXES)
    codes = [int(kinds.values[by_name[axis]]) for axis in _AXES]
    return (x, y, z), tuple(f"{order}{_FLOATS[code]}" if code in _FLOATS else "" for code in codes)
