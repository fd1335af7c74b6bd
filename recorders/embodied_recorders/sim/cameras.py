"""The cameras: where they sit, how they see, how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Camera:
    """One ideal pinhole camera.

    Attributes:
        name: Slug; stream ids and topics begin with it.
        frame_id: Optical frame (z forward, x right, y down).
        fx: Focal length in pixels, like fy; cx, cy are the principal point with pixel centres at whole numbers.
    """

    name: str
    frame_id: str
    fx: float
    fy: float
    cx: float
    cy: float
    width: int = 320
    height: int = 240


FRONT = Camera("cam_front", "cam_front_optical_frame", 290.0, 290.0, 159.5, 119.5)
WRIST = Camera("cam_wrist", "cam_wrist_optical_frame", 210.0, 210.0, 159.5, 119.5)
CAMERAS = (FRONT, WRIST)
FRAME_RATE_HZ = 30
DEPTH_EVERY = 2  # a depth image with every second frame of the front camera, of the same moment
DEPTH_RATE_HZ = FRAME_RATE_HZ // DEPTH_EVERY
DEPTH_RANGE_M = (0.2, 4.0)
JPEG_QUALITY = 80


def frame_step(frame: int) -> int:
    """Simulation step (1 ms) at which a frame is exposed: the grid of 1/30 s, rounded to a step."""
    return (2000 * frame + FRAME_RATE_HZ) // (2 * FRAME_RATE_HZ)
