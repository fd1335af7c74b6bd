"""Where things went: positions out of decoded messages, thinned while they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from embodied_kit.messages.columns import Column, Columns
from embodied_validators.report.decimate import Thinned, Times
from embodied_validators.report.episode_view import Path3

MOST_PATHS = 4
_AXES = ("x", "y", "z")
_FRAME = "header.frame_id"
_PLACES = frozenset({"position", "translation"})


@dataclass
class _Trail:
    """Positions of one field of one topic."""

    frame: str
    thinned: Thinned = field(default_factory=Thinned)


@dataclass
class Trails:
    """Paths of an episode so far.

    Attributes:
        overflow: Whether there were more than are kept.
    """

    overflow: bool = False
    _found: dict[tuple[str, str], _Trail] = field(default_factory=dict)

    def take(self, topic: str, columns: Columns, stamps_ns: Times) -> None:
        """Positions of the messages that hold one pose each; arrays of poses are let go.

        Args:
            topic: Where they came from.
            columns: Decoded messages.
            stamps_ns: Shape (messages,), ns.
        """
        for parent in sorted({path.rpartition(".")[0] for path in columns.fields if "[]" not in path}):
            axes = [columns.fields.get(f"{parent}.{axis}") for axis in _AXES]
            numbers = [axis for axis in axes if axis is not None and axis.kind == "number" and axis.width == 1]
            if parent.rpartition(".")[2] not in _PLACES or len(numbers) < len(_AXES) or not len(numbers[0].message):
                continue
            trail = self._trail(topic, parent, columns)
            if trail is not None:
                points = np.column_stack([axis.values.astype(np.float64).reshape(-1) for axis in numbers])
                trail.thinned.add(stamps_ns[numbers[0].message], points)

    def _trail(self, topic: str, parent: str, columns: Columns) -> _Trail | None:
        key = (topic, parent)
        if key not in self._found:
            if len(self._found) >= MOST_PATHS:
                self.overflow = True
                return None
            frame = columns.fields.get(_FRAME)
            self._found[key] = _Trail(_first_text(frame) if frame else "")
        return self._found[key]

    def result(self, stream_of: Callable[[str], str]) -> tuple[Path3, ...]:
        """Paths of two points or more.

        Args:
            stream_of: Topic -> stream id.
        """
        found = []
        for (topic, _), trail in self._found.items():
            times_ns, points_m = trail.thinned.result()
            if len(times_ns) > 1:
                found.append(Path3(stream_of(topic), topic, trail.frame, times_ns, points_m))
        return tuple(found)


def _first_text(column: Column) -> str:
    """Text of the first message; empty where the field is no single text."""
    if column.kind != "text" or column.length is not None:
        return ""
    return next(iter(column.texts()), "")
