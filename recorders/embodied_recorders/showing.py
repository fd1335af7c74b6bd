"""What a snapshot shows beside streams and takes."""

from __future__ import annotations

from embodied_recorders.control import MachineState
from embodied_recorders.room import Room
from embodied_recorders.running import Running
from embodied_recorders.session import Session


def disk_and_clock(session: Session, room: Room, running: Running | None) -> MachineState:
    """The machine as an operator sees it, while a take runs and between takes."""
    free, floor = room.free_bytes, session.contract.min_free_bytes
    progress = running.progress() if running else None
    rate = progress.bytes_n / progress.elapsed_s if progress and progress.elapsed_s > 1 else 0.0
    clock = session.clock.state()
    left_s = max(free - floor, 0) / rate if rate else None
    return MachineState(free, floor, left_s, clock.synchronised, clock.max_error_ns)
