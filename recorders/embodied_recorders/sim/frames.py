"""What the control process tells the camera process about each frame: one record on a pipe.

A pipe and not shared memory: it wakes the reader, keeps every frame in order, leaves nothing behind, and ends when
either side dies.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from embodied_recorders.sim.physics import STATE_COUNT
from embodied_recorders.sim.rotation import FloatArray

_RECORD = struct.Struct(f"<qqqq{STATE_COUNT}d")
RECORD_BYTES = _RECORD.size
READY = b"ready\n"  # what the camera process answers when its topics are offered


@dataclass(frozen=True)
class FrameState:
    """The scene at the moment of one frame.

    Attributes:
        frame: Number of the frame from 0.
        step: Simulation step, ms.
        take: Number of the take, 0 before the first.
        t_ms: Milliseconds since the first phase of the take.
        state: Shape (15,): joints, then the cube's x y z and quaternion w x y z.
    """

    frame: int
    step: int
    take: int
    t_ms: int
    state: FloatArray


def pack(frame: FrameState) -> bytes:
    """The record of one frame, RECORD_BYTES long."""
    return _RECORD.pack(frame.frame, frame.step, frame.take, frame.t_ms, *frame.state.tolist())


def unpack(record: bytes) -> FrameState:
    """The frame of one record."""
    frame, step, take, t_ms, *state = _RECORD.unpack(record)
    return FrameState(frame, step, take, t_ms, np.array(state))
