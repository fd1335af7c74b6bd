"""What stands in the scene: boxes and capsules with their colours, for physics and renderer alike.

All shapes lie along the axes of the link that carries them; a capsule lies along z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from embodied_recorders.sim.robot import BASE, GRIPPER
from embodied_recorders.sim.rotation import Vec3

CUBE = "cube"
CUBE_HALF_M = 0.02
CUBE_MASS_KG = 0.06
BIN_AT: tuple[float, float] = (0.30, -0.26)
BIN_INNER_HALF_M = 0.08
BIN_WALL_M = 0.004
BIN_HEIGHT_M = 0.05

Texture = Literal["plain", "mat", "checker", "planks", "bands"]
Contact = Literal["none", "scene", "pad", "object"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One convex body.

    Attributes:
        link: Frame that carries it; `base_link` for what stands still, `cube` for the object.
        kind: box or capsule.
        at: Centre in the link's frame, m.
        size: Half sizes x, y, z in m; of a capsule radius, half length, 0.
        colour: Red, green, blue, 0-255.
        contact: Part it plays in contact; links of the arm play none.
    """

    name: str
    link: str
    kind: Literal["box", "capsule"]
    at: Vec3
    size: Vec3
    colour: tuple[int, int, int]
    texture: Texture = "plain"
    contact: Contact = "none"


def _bin() -> tuple[Shape, ...]:
    x, y = BIN_AT
    reach = BIN_INNER_HALF_M + BIN_WALL_M
    middle = BIN_HEIGHT_M / 2
    colour = (105, 145, 205)
    long_wall = (reach + BIN_WALL_M, BIN_WALL_M, middle)
    cross_wall = (BIN_WALL_M, BIN_INNER_HALF_M, middle)
    return (
        Shape(
            "bin_floor",
            BASE,
            "box",
            (x, y, 0.002),
            (BIN_INNER_HALF_M, BIN_INNER_HALF_M, 0.002),
            colour,
            "bands",
            "scene",
        ),
        Shape("bin_left", BASE, "box", (x, y + reach, middle), long_wall, colour, "bands", "scene"),
        Shape("bin_right", BASE, "box", (x, y - reach, middle), long_wall, colour, "bands", "scene"),
        Shape("bin_near", BASE, "box", (x - reach, y, middle), cross_wall, colour, "bands", "scene"),
        Shape("bin_far", BASE, "box", (x + reach, y, middle), cross_wall, colour, "bands", "scene"),
    )


def _finger(side: Literal["left", "right"], sign: int) -> tuple[Shape, ...]:
    link = f"finger_{side}_link"
    return (
        Shape(f"finger_{side}", link, "box", (0, sign * 0.008, 0.012), (0.012, 0.008, 0.022), (95, 95, 105)),
        Shape(
            f"pad_{side}", link, "box", (0, sign * 0.006, 0.054), (0.010, 0.006, 0.020), (50, 55, 60), "bands", "pad"
        ),
    )


STATIC = (
    Shape("table", BASE, "box", (0.28, 0.0, -0.02), (0.50, 0.60, 0.02), (168, 160, 142), "mat", "scene"),
    Shape("floor", BASE, "box", (0.0, 0.0, -0.77), (2.2, 2.2, 0.02), (120, 118, 112), "planks"),
    Shape("wall_back", BASE, "box", (-0.72, 0.0, 0.4), (0.02, 2.2, 1.2), (150, 156, 160), "planks"),
    Shape("wall_side", BASE, "box", (0.0, -1.3, 0.4), (2.2, 0.02, 1.2), (160, 150, 140), "planks"),
    *_bin(),
    Shape("base", BASE, "box", (0, 0, 0.03), (0.065, 0.065, 0.03), (60, 62, 70)),
)
MOVING = (
    Shape("shoulder", "link_1", "capsule", (0, 0, 0.02), (0.048, 0.03, 0), (215, 215, 210)),
    Shape("upper_arm", "link_2", "capsule", (0, 0, 0.15), (0.038, 0.15, 0), (225, 120, 45), "bands"),
    Shape("elbow", "link_3", "capsule", (0, 0, 0.065), (0.033, 0.065, 0), (215, 215, 210)),
    Shape("forearm", "link_4", "capsule", (0, 0, 0.065), (0.029, 0.065, 0), (225, 120, 45), "bands"),
    Shape("wrist", "link_5", "capsule", (0, 0, 0.025), (0.027, 0.025, 0), (215, 215, 210)),
    Shape("flange", "link_6", "box", (0, 0, 0.0125), (0.024, 0.024, 0.0125), (80, 82, 90)),
    Shape("palm", GRIPPER, "box", (0, 0, 0.01), (0.022, 0.062, 0.012), (70, 72, 82), "bands"),
    Shape("cam_wrist_housing", GRIPPER, "box", (0.050, 0, 0.0), (0.012, 0.016, 0.008), (40, 42, 46)),
    *_finger("left", 1),
    *_finger("right", -1),
    Shape(CUBE, CUBE, "box", (0, 0, 0), (CUBE_HALF_M, CUBE_HALF_M, CUBE_HALF_M), (190, 60, 55), "checker", "object"),
)
