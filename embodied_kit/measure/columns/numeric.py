"""Numeric fields of messages as matrices: which fields, under which names, in columns that hold any length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.store import HELD_VALUES, Array, Blocks, Column, ColumnStore
from embodied_kit.messages.columns import Column as Decoded
from embodied_kit.messages.columns import Columns

MAX_DIMENSIONS = 512
MAX_LAYOUTS = 64
_MANY_LAYOUTS = 1024
_SLICE_VALUES = 2**19
_NOT_NUMERIC = ("sensor_msgs/Image", "sensor_msgs/CompressedImage", "sensor_msgs/CameraInfo", "sensor_msgs/PointCloud2")
_NOT_MEASURED = ("covariance", "header")
_AXES = ("x", "y", "z", "w")


@dataclass(frozen=True)
class NameLayouts:
    """Which names the elements of each message have.

    Attributes:
        layouts: Distinct lists of names.
        of_message: (n,) index of the layout of each message, -1 where it could not be decoded.
    """

    layouts: tuple[tuple[str, ...], ...]
    of_message: NDArray[np.int64]

    @classmethod
    def read(cls, column: Decoded, n: int) -> NameLayouts:
        """Names of a batch.

        Args:
            column: A sequence of texts.
            n: Messages of the batch.
        """
        layouts: list[tuple[str, ...]] = []
        of_message = np.full(n, -1, np.int64)
        for _, rows, codes in column.by_length():
            left = rows
            values = codes.astype(np.int64)
            while len(left):  # nearly always one layout for all
                same = (values == values[0]).all(axis=1)
                of_message[column.message[left[same]]] = len(layouts)
                layouts.append(tuple(map(column.table.__getitem__, values[0].tolist())))
                if len(layouts) > _MANY_LAYOUTS:
                    return cls(tuple(layouts), of_message)
                left, values = left[~same], values[~same]
        return cls(tuple(layouts), of_message)


@dataclass
class _Matrix:
    """Rows of one layout: values (m, k) and stamps (m,)."""

    values: Column
    stamps: Column
    order: tuple[int, ...]


@dataclass
class Field:
    """One numeric field of a stream.

    Attributes:
        path: As in the definition, dotted; components of a vector stand under the vector.
        names: Name of each dimension; empty texts where the message gives none.
        pooled: Elements of an array too long to be dimensions stand in one column.
    """

    path: str
    names: list[str] = field(default_factory=list)
    pooled: bool = False
    overflowed: bool = False
    _matrices: dict[tuple[int, tuple[str, ...]], _Matrix] = field(default_factory=dict)
    _refused: tuple[int, tuple[str, ...]] | None = None

    def add(self, store: ColumnStore, values: NDArray[np.float64], stamps: Array, names: tuple[str, ...]) -> None:
        """Add rows of one layout.

        Args:
            store: Owner of the columns.
            values: (m, k).
            stamps: (m,) int64 ns.
            names: k names, or none.
        """
        width = values.shape[1]
        if not width:
            return
        if width > MAX_DIMENSIONS or self.pooled:
            self._pool(store, values, stamps)
            return
        key = (width, names if len(names) == width else ())
        if key == self._refused:
            return
        if not self.names and width > store.dimensions_left:
            self.overflowed = True
            return
        if key not in self._matrices:
            order, known = self._columns_of(*key)
            full = len(self._matrices) >= MAX_LAYOUTS or len(known) > MAX_DIMENSIONS
            fresh = known[len(self.names) :]
            if full or not store.grant_names(fresh) or not store.grant(len(fresh)):
                self.overflowed, self._refused = True, key  # or each message would be held against all names again
                return
            self.names = known
            column = store.column("f8", width)
            self._matrices[key] = _Matrix(column, store.column("i8", block_rows=column.block_rows), order)
        matrix = self._matrices[key]
        matrix.values.append(np.array(values, np.float64))
        matrix.stamps.append(np.array(stamps, np.int64))

    def dimensions(self) -> Iterator[Blocks]:
        """Values of each dimension in turn; where they fit, of many of them from one pass over the rows."""
        together = HELD_VALUES // max(1, sum(matrix.values.n for matrix in self._matrices.values()))
        for first in range(0, len(self.names), max(1, together)):
            group = range(first, min(first + max(1, together), len(self.names)))
            yield from self._held(group) if together else map(self._dimension, group)

    def _held(self, group: range) -> list[Blocks]:
        """Values of some dimensions, held in memory."""
        parts: dict[int, list[Array]] = {index: [] for index in group}
        for matrix in self._matrices.values():
            wanted = [(place, parts[index]) for place, index in enumerate(matrix.order) if index in parts]
            columns = np.empty((len(wanted), matrix.values.n))  # at once: many small arrays cost more to come by
            first = 0
            for block in matrix.values.blocks() if wanted else ():
                for column, (place, part) in zip(columns, wanted, strict=True):
                    part.append(column[first : first + len(block)])
                    part[-1][:] = block[:, place]
                first += len(block)
        return [partial(iter, item) for item in parts.values()]

    def _dimension(self, index: int) -> Blocks:
        """Values of one dimension: of the layouts that have it, one after the other."""

        def blocks() -> Iterator[Array]:
            for matrix in self._matrices.values():
                if index in matrix.order:
                    place = matrix.order.index(index)
                    for block in matrix.values.blocks():
                        yield np.ascontiguousarray(block[:, place])

        return blocks

    def matrices(self) -> Iterator[tuple[Blocks, Blocks, tuple[int, ...], int]]:
        """(values (m, k), stamps (m,), dimension of each column, rows) of each layout; blocks of both go together."""
        for matrix in self._matrices.values():
            yield matrix.values.blocks, matrix.stamps.blocks, matrix.order, matrix.values.n

    def _columns_of(self, width: int, names: tuple[str, ...]) -> tuple[tuple[int, ...], list[str]]:
        """Dimension of each column of a layout, by name, else by place; and all names with those of the layout."""
        if len(set(names)) < width:
            return tuple(range(width)), self.names + [""] * (width - len(self.names))
        place = {name: index for index, name in enumerate(self.names)}
        order = tuple(place.setdefault(name, len(place)) for name in names)
        return order, list(place) if len(place) > len(self.names) else self.names

    def _pool(self, store: ColumnStore, values: NDArray[np.float64], stamps: Array) -> None:
        if self._matrices and not self.pooled:
            self.overflowed = True
            return
        if not self._matrices:
            if not store.grant(1):
                self.overflowed = True
                return
            self.pooled, self.names = True, [""]
            column = store.column("f8", 1)
            self._matrices[1, ()] = _Matrix(column, store.column("i8", block_rows=column.block_rows), (0,))
        matrix = self._matrices[1, ()]
        rows = max(1, _SLICE_VALUES // values.shape[1])
        for first in range(0, len(values), rows):
            part = values[first : first + rows]
            matrix.values.append(part.astype(np.float64).reshape(-1, 1))
            matrix.stamps.append(np.repeat(stamps[first : first + rows], values.shape[1]))


@dataclass(frozen=True)
class Group:
    """Leaves of a definition that make one field; `axes` name the columns of a vector."""

    path: str
    leaves: tuple[str, ...]
    axes: tuple[str, ...]


class NumericFields:
    """The numeric fields of one stream.

    Args:
        store: Owner of the columns.
        ros_type: Short type name, `sensor_msgs/JointState`.
    """

    def __init__(self, store: ColumnStore, ros_type: str) -> None:
        self._store = store
        self._skip = ros_type in _NOT_NUMERIC
        self._groups: tuple[Group, ...] | None = None
        self.fields: dict[str, Field] = {}

    @property
    def overflowed(self) -> bool:
        """Whether some values were not kept, because a field has more dimensions or layouts than are measured."""
        return any(item.overflowed for item in self.fields.values())

    def add(self, columns: Columns, stamps: NDArray[np.int64], names: NameLayouts | None) -> None:
        """Add decoded messages.

        Args:
            columns: Of a batch.
            stamps: (n,) ns of each message of the batch.
            names: Names of the elements; None where the type has no names.
        """
        if self._skip or not columns.fields:
            return
        if self._groups is None:
            self._groups = tuple(_groups(columns.fields))
        for group in self._groups:
            found = self.fields.setdefault(group.path, Field(group.path))
            for values, messages in _parts(columns.fields, group):
                if group.axes or names is None:
                    found.add(self._store, values, stamps[messages], group.axes)
                else:
                    self._add_named(found, values, stamps, messages, names)

    def _add_named(
        self,
        found: Field,
        values: NDArray[np.float64],
        stamps: NDArray[np.int64],
        messages: NDArray[np.int64],
        names: NameLayouts,
    ) -> None:
        kinds = names.of_message[messages]
        for kind in np.unique(kinds).tolist():
            rows = kinds == kind
            layout = names.layouts[kind] if kind >= 0 else ()
            found.add(self._store, values[rows], stamps[messages[rows]], layout)


def quantity_of(ros_type: str, path: str) -> str:
    """Physical quantity of a field, a word of the vocabulary `quantity`."""
    last = path.rpartition(".")[2]
    if ros_type.startswith(("sensor_msgs/JointState", "trajectory_msgs/")):
        words = {"position": "position", "velocity": "velocity", "effort": "effort"}
        return words.get(last.rstrip("s"), {"positions": "position", "velocities": "velocity"}.get(last, "other"))
    return {
        "position": "translation",
        "translation": "translation",
        "point": "translation",
        "orientation": "orientation",
        "rotation": "orientation",
        "force": "force",
        "torque": "torque",
        "linear": "velocity",
        "angular": "angular_velocity",
        "angular_velocity": "angular_velocity",
        "linear_acceleration": "acceleration",
    }.get(last, "other")


def _groups(fields: Mapping[str, Decoded]) -> Iterator[Group]:
    """Numeric leaves, the components of a vector together."""
    vectors: dict[str, list[str]] = {}
    for path, column in fields.items():
        parts = path.split(".")
        array = column.length is not None or column.values.ndim == 2
        bytes_or_flags = column.values.dtype.kind == "b" or (array and column.values.dtype == np.uint8)
        if column.kind != "number" or "[]" in path or any(word in part for part in parts for word in _NOT_MEASURED):
            continue
        if bytes_or_flags:  # identifiers and switches, no physical numbers
            continue
        parent, _, name = path.rpartition(".")
        if not array and name in _AXES and parent:
            vectors.setdefault(parent, []).append(path)
        else:
            vectors.setdefault(path, []).append(path)
    for parent, leaves in vectors.items():
        axes = () if leaves == [parent] else tuple(leaf.rpartition(".")[2] for leaf in leaves)
        yield Group(parent, tuple(leaves), axes)


def _parts(fields: Mapping[str, Decoded], group: Group) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Rows of a field with equal width: values (m, k) and the message of each."""
    if group.axes:
        columns = [fields[leaf] for leaf in group.leaves]
        if len(columns[0].message):
            yield np.stack([column.values for column in columns], axis=1).astype(np.float64), columns[0].message
        return
    column = fields[group.path]
    for width, rows, values in column.by_length():
        if width:
            yield cast("NDArray[np.float64]", values), column.message[rows]
