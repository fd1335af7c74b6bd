"""Point clouds are read whatever their layout, and their unit and frame are judged by numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure.synthetic import START_NS, StreamSpec, Take, declared, header, periodic, streams, write_dataset

from embodied_kit.measure.api import measure_path
from embodied_kit.measure.streams.pointcloud import CloudLayout, read_points
from embodied_kit.model.facts import Row

KIND = "sensor_msgs/msg/PointCloud2"
FLOAT32, FLOAT64, UINT16 = 7, 8, 4


def cloud(points: np.ndarray, *, datatype: int = FLOAT32, big: bool = False, pad: int = 0) -> dict[str, object]:
    """A cloud of points (n, 3) with a ring number before the coordinates."""
    order, kind = ">" if big else "<", {FLOAT32: "f4", FLOAT64: "f8", UINT16: "u2"}[datatype]
    size = np.dtype(kind).itemsize
    names = ["ring", "x", "y", "z"]
    offsets = [0, 4, 4 + size, 4 + 2 * size]
    layout = {"names": names, "offsets": offsets, "formats": ["u2", *[order + kind] * 3], "itemsize": 4 + 3 * size}
    rows = np.zeros(len(points), np.dtype(layout))
    for index, axis in enumerate("xyz"):
        rows[axis] = np.nan_to_num(points[:, index]) if datatype == UINT16 else points[:, index]
    data = rows.tobytes() + b"\7" * pad
    fields = [
        {"name": name, "offset": offset, "datatype": UINT16 if name == "ring" else datatype, "count": 1}
        for name, offset in zip(names, offsets, strict=True)
    ]
    return {
        "header": header(START_NS, "tool"),
        "height": 1,
        "width": len(points),
        "fields": fields,
        "is_bigendian": big,
        "point_step": rows.dtype.itemsize,
        "row_step": len(data),
        "data": np.frombuffer(data, np.uint8),
        "is_dense": False,
    }


def room(index: int) -> np.ndarray:
    """A hundred points 1 to 5 m away, the first of them without a place."""
    points = np.random.default_rng(index).uniform(1, 3, (100, 3))
    points[0] = np.nan
    points[1] = [-2, 0.5, 4]
    return points


def lidar(unit: str | None = "m", scale: float = 1.0, frame: str = "tool", **how: int) -> StreamSpec:
    more = {"unit": unit} if unit else {}
    entry = declared("lidar", "/lidar", KIND, "observation", 10, modality="spatial", **more)
    return periodic(entry, lambda i, t: {**cloud(room(i) * scale, **how), "header": header(t, frame)})


def row_of(tmp_path: Path, spec: StreamSpec) -> Row:
    root = write_dataset(tmp_path / "ds", (streams() | {"lidar": spec}, Take()))
    episode, _ = measure_path(root)
    (row,) = episode.tables["cloud"]
    return row


@pytest.mark.parametrize("how", [{}, {"datatype": FLOAT64}, {"big": True}, {"pad": 5}])
def test_numbers_of_a_cloud_are_those_of_its_points(tmp_path: Path, how: dict[str, int]) -> None:
    row = row_of(tmp_path, lidar(**how))
    assert (row["n"], row["decoded"], row["failed"], row["points_p50"], row["nan_ratio_p50"]) == (40, 40, 0, 100, 0.01)
    assert (row["x_min"], row["z_max"]) == (-2, 4)
    ranges = sorted(np.sort(np.sqrt((room(i)[1:] ** 2).sum(axis=1)))[49] for i in range(40))
    assert row["range_p50"] == pytest.approx(ranges[19], rel=1e-6)
    assert (row["frame_id"], row["frame_known"], row["unit_ok"], row["unit_guess"]) == ("tool", True, True, "m")


def test_millimetres_are_no_metres(tmp_path: Path) -> None:
    row = row_of(tmp_path, lidar(scale=1000))
    assert (row["unit_ok"], row["unit_guess"]) == (False, "mm")


def test_a_unit_that_is_not_metres_is_wrong_even_where_it_is_declared(tmp_path: Path) -> None:
    assert row_of(tmp_path, lidar(unit="mm", scale=1000))["unit_ok"] is False


def test_without_a_unit_or_with_an_unknown_frame(tmp_path: Path) -> None:
    row = row_of(tmp_path, lidar(unit=None, frame="nowhere"))
    assert (row["frame_known"], row["unit_ok"]) == (False, None)
    assert row["undetermined"] == row["undetermined"] | {"unit_ok": "no unit is declared"}  # type: ignore[operator]


def test_coordinates_of_another_type_are_unknown_and_no_failure(tmp_path: Path) -> None:
    row = row_of(tmp_path, lidar(datatype=UINT16))
    assert (row["decoded"], row["failed"], row["range_p50"]) == (None, None, None)


SIZES = st.integers(0, 2**32 - 1)


@given(SIZES, SIZES, SIZES, SIZES, st.tuples(SIZES, SIZES, SIZES))
def test_sizes_that_lie_are_no_cloud(
    height: int, width: int, point_step: int, row_step: int, offsets: tuple[int, int, int]
) -> None:
    layout = CloudLayout(height, width, point_step, row_step, offsets, ("<f4",) * 3)
    points = read_points(memoryview(b"\0" * 64), layout)
    assert points is None or len(points) <= 64
