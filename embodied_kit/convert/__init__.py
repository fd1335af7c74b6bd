"""Foreign formats: one module each behind one Protocol, one row each in FORMATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from embodied_kit.convert.base import ForeignRecording


def _rosbag2(path: Path) -> ForeignRecording:
    from embodied_kit.convert.rosbag2 import open_bag  # noqa: PLC0415  # a format is loaded when it is asked for

    return open_bag(path)


FORMATS: Final[Mapping[str, Callable[[Path], ForeignRecording]]] = MappingProxyType({"rosbag2": _rosbag2})
