"""The numbers of a whole page in one compressed block: differences, byte by byte, deflated, in base64."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from embodied_kit.model.json import JsonObject, JsonValue

HOLE = 65535
STEPS = 65534
_TICKS_S = 1e6  # times are whole microseconds where that fits 32 bits (71 minutes)
_MOST_TICKS = 2**32 - 1
Numbers = npt.NDArray[np.float64]


@dataclass
class Pool:
    """Arrays of the page, in the order in which they were added.

    An array is kept as differences to the value before, modulo its width; all first bytes, then all second bytes and so
    on, since the higher ones hardly change.
    """

    _sizes: list[JsonValue] = field(default_factory=list)
    _bytes: list[bytes] = field(default_factory=list)

    def add_values(self, values: Numbers) -> JsonObject:
        """Values as 16-bit steps over their own range, NaN as a hole.

        Args:
            values: Shape (n,), finite or NaN.
        """
        finite = np.isfinite(values)
        low = float(values[finite].min()) if finite.any() else 0.0
        high = float(values[finite].max()) if finite.any() else 0.0
        width = (high - low) or 1.0
        codes = np.full(len(values), HOLE, np.uint16)
        codes[finite] = np.rint((values[finite] - low) / width * STEPS)
        return {"at": self._add(codes, 2), "low": low, "step": width / STEPS}

    def add_times(self, seconds: Numbers) -> JsonObject:
        """Times as 32-bit ticks since the first.

        Args:
            seconds: Shape (n,), s.
        """
        low = float(seconds.min()) if len(seconds) else 0.0
        high = float(seconds.max()) if len(seconds) else 0.0
        step = max(1 / _TICKS_S, (high - low) / _MOST_TICKS)
        codes = np.rint((seconds - low) / step).astype(np.uint32)
        return {"at": self._add(codes, 4), "low": low, "step": step}

    def _add(self, codes: npt.NDArray[np.uint16] | npt.NDArray[np.uint32], width: int) -> int:
        differences = np.diff(codes, prepend=codes.dtype.type(0)).astype(f"<u{width}")
        planes = differences.view(np.uint8).reshape(len(codes), width).T
        self._sizes.append([len(codes), width])
        self._bytes.append(planes.tobytes())
        return len(self._sizes) - 1

    def packed(self) -> JsonObject:
        """Length and width of each array, and the block."""
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        block = squeeze.compress(b"".join(self._bytes)) + squeeze.flush()
        return {"sizes": self._sizes, "block": base64.b64encode(block).decode("ascii")}
