"""Everything that is derived, in one list."""

from __future__ import annotations

from embodied_kit.measure.declared.layers import SEGMENTS
from embodied_kit.measure.derived.derive import Deriver
from embodied_kit.measure.geometry.derived import GEOMETRY
from embodied_kit.measure.kinematics.derived import KINEMATICS

DERIVERS: tuple[Deriver, ...] = (KINEMATICS, GEOMETRY, SEGMENTS)
