"""Everything that is derived, in one list."""

from __future__ import annotations

from embodied_kit.measure.derive import Deriver
from embodied_kit.measure.geometry.derived import GEOMETRY
from embodied_kit.measure.kinematics.derived import KINEMATICS
from embodied_kit.measure.layers import SEGMENTS

DERIVERS: tuple[Deriver, ...] = (KINEMATICS, GEOMETRY, SEGMENTS)
