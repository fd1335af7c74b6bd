"""What the statistics of a dataset need of one episode beyond its document, small enough to keep for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embodied_kit.canonical import canonical_bytes
from embodied_kit.measure.declared.jsonget import get_number, get_object, get_objects, get_text
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

Element = tuple[str, str, int]
"""Stream, field and index of a number that a stream carries."""


@dataclass(frozen=True)
class Moments:
    """Count, mean, population standard deviation and extremes of one element over an episode."""

    n: int
    mean: float
    std: float
    least: float
    most: float


@dataclass(frozen=True, eq=False)
class Traits:
    """Traits of an episode.

    Attributes:
        states: Joint positions, shape (64, joints); None where the signature has none.
        path: Positions of the end effector in m, shape (points, 3); None likewise.
        urdfs: robot_id -> digest of the URDF that was embedded while recording.
        units: stream_id -> declared unit as canonical JSON.
        moments: Of the elements that the caller asked for.
    """

    states: NDArray[np.float32] | None = None
    path: NDArray[np.float32] | None = None
    urdfs: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[Element, Moments] = field(default_factory=dict)


NO_TRAITS = Traits()


def traits_of(tables: Mapping[str, Sequence[Row]], document: JsonObject, elements: Collection[Element]) -> Traits:
    """Traits from the facts of an episode.

    Args:
        tables: Its facts.
        document: episode.json; empty where it cannot be read.
        elements: Whose moments are wanted.
    """
    signature = next(iter(tables.get("signature", ())), {})
    return Traits(
        _matrix(signature.get("state_points")),
        _matrix(signature.get("path_points")),
        dict(_urdfs(tables.get("document", ()))),
        {
            get_text(stream, "stream_id"): canonical_bytes(stream["unit"]).decode()
            for stream in get_objects(document, "streams")
            if get_text(stream, "stream_id") and stream.get("unit")
        },
        _moments(tables.get("dim", ()), elements) if elements else {},
    )


def _matrix(points: JsonValue) -> NDArray[np.float32] | None:
    return np.array(points, np.float32) if isinstance(points, Sequence) and points else None


def _urdfs(documents: Sequence[Row]) -> list[tuple[str, str]]:
    return [
        (get_text(robot, "robot_id"), get_text(robot, "urdf_sha256"))
        for row in documents
        if row.get("kind") == "capture" and row.get("embedded_in")
        for robot in get_objects(get_object(row, "value"), "robots")
        if get_text(robot, "urdf_sha256")
    ]


def _moments(rows: Sequence[Row], elements: Collection[Element]) -> dict[Element, Moments]:
    found: dict[Element, Moments] = {}
    for row in rows:
        index = row.get("index")
        key = (str(row.get("stream")), str(row.get("field")), index if isinstance(index, int) else -1)
        numbers = [get_number(row, name) for name in ("n", "mean", "std", "min", "max")]
        if key in elements and key not in found and None not in numbers:
            n, mean, std, least, most = (float(number) for number in numbers if number is not None)
            found[key] = Moments(int(n), mean, std, least, most)
    return found
