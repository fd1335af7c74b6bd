"""Table `dim`: one row per numeric element of each field of each stream (rules SR-03 to SR-08, KN-14)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embodied_kit.measure.columns.dimension import measure_dimension, measure_rotation
from embodied_kit.measure.columns.numeric import Field, quantity_of
from embodied_kit.measure.columns.store import Array, Blocks
from embodied_kit.measure.declared.units import units_of
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

_RENAMED = {"minimum": "min", "maximum": "max"}
_ROTATION_COLUMNS = ("quaternion_norm_error_max", "sign_flips_n")
_NOT_ROTATION = "stands on index 0 of a quaternion only"
_QUATERNION = ("x", "y", "z", "w")
_VALUE_COLUMNS = ("min", "max", "mean", "std", "p01", "p50", "p99", "range", "abs_max", "top_value", "top_ratio")


def dim_rows(episode: Episode) -> list[Row]:
    """Rows of every numeric stream."""
    return [
        row
        for view in episode.streams
        for series in view.series
        for found in series.numeric.fields.values()
        for row in _field_rows(episode, view, series, found)
    ]


def _field_rows(episode: Episode, view: StreamView, series: Series, found: Field) -> Iterator[Row]:
    unit = units_of(view.declared, series.short_type, [found.path])[found.path]
    quantity = quantity_of(series.short_type, found.path)
    for index, (name, held) in enumerate(zip(found.names, found.dimensions(), strict=True)):
        values: dict[str, JsonValue] = {
            "stream": view.stream,
            "publisher": series.publisher,
            "field": found.path,
            "index": index,
            "name": name or None,
            "role": view.role or None,
            "quantity": quantity,
            "unit": unit,
            **_numbers(held),
        }
        reasons = dict.fromkeys(_VALUE_COLUMNS, "no finite value")
        reasons |= {"unit": "no unit is declared", "role": "the stream is not declared"}
        reasons["unchanged_ratio"] = "fewer than two samples"
        if found.pooled:
            values["unchanged_ratio"] = None
            reasons["unchanged_ratio"] = "the elements of a long array are measured together"
        rotation = _rotation(found, index) if quantity == "orientation" else {}
        reasons |= dict.fromkeys(_ROTATION_COLUMNS, "no finite value" if rotation else _NOT_ROTATION)
        values |= rotation
        yield make_row("dim", values, episode=episode.episode_id, reasons=reasons)


def _numbers(values: Blocks) -> dict[str, JsonValue]:
    found = measure_dimension(values)
    numbers: dict[str, JsonValue] = {_RENAMED.get(name, name): value for name, value in vars(found).items()}
    if found.minimum is not None and found.maximum is not None:
        width = found.maximum - found.minimum
        numbers["range"] = width if np.isfinite(width) else None
        numbers["abs_max"] = max(abs(found.minimum), abs(found.maximum))
    return numbers


def _rotation(found: Field, index: int) -> dict[str, JsonValue]:
    """Numbers of the whole quaternion, on its first row."""
    if index or tuple(found.names) != _QUATERNION:
        return {}
    rotation = measure_rotation(_whole(found))
    return {"quaternion_norm_error_max": rotation.norm_error_max, "sign_flips_n": rotation.sign_flips_n}


def _whole(found: Field) -> Blocks:
    def blocks() -> Iterator[Array]:
        for values, _, order, _ in found.matrices():
            for block in values():
                yield block[:, list(order)]

    return blocks
