"""Units of numeric fields as a contract declares them (UCUM codes), and which of them are SI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from embodied_kit.measure.columns.numeric import quantity_of
from embodied_kit.model.json import JsonObject

SI_UNITS = frozenset(
    {
        *(
            "1",
            "m",
            "s",
            "kg",
            "A",
            "K",
            "mol",
            "cd",
            "rad",
            "sr",
            "Hz",
            "N",
            "Pa",
            "J",
            "W",
            "C",
            "V",
            "F",
            "Ohm",
            "S",
        ),
        *("Wb", "T", "H", "lm", "lx", "Bq", "Gy", "Cel"),
        *("m/s", "m/s2", "m/s3", "rad/s", "rad/s2", "N.m", "N/m", "m2", "m3", "kg/m3", "kg.m2", "N.s"),
        *("A/m", "V/m", "W/m2", "J/kg"),
    }
)
"""UCUM codes of coherent SI units that robots record, with the degree Celsius (SI Brochure, tables 2 to 5)."""
_NO_UNIT = ("orientation",)


def units_of(declared: JsonObject, ros_type: str, paths: Sequence[str]) -> dict[str, str | None]:
    """Declared unit of each field: its own entry (full path, or last name), else the stream's one unit.

    A rotation has no unit that could be declared: it counts as `1`.

    Args:
        declared: Entry of the stream in the contract.
        ros_type: Short type name.
        paths: Dotted paths of the numeric fields.
    """
    unit = declared.get("unit")
    found: dict[str, str | None] = {}
    for path in paths:
        turned = quantity_of(ros_type, path) in _NO_UNIT
        entry = unit.get(path, unit.get(path.rpartition(".")[2])) if isinstance(unit, Mapping) else unit
        found[path] = entry if isinstance(entry, str) and entry and not (turned and isinstance(unit, str)) else None
        if found[path] is None and turned:
            found[path] = "1"
    return found


def is_si(unit: str) -> bool:
    """Whether a UCUM code is an SI unit without prefix."""
    return unit in SI_UNITS
