"""What a snapshot shows beside streams and takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from embodied_recorders.loop.control import ClosingState, MachineState
from embodied_recorders.take.running import Running
from embodied_recorders.take.session import Session
from embodied_recorders.writing.room import Room


def disk_and_clock(session: Session, room: Room, running: Running | None) -> MachineState:
    """The machine as an operator sees it, while a take runs and between takes."""
    free, floor = room.free_bytes, session.contract.min_free_bytes
    progress = running.progress() if running else None
    rate = progress.bytes_n / progress.elapsed_s if progress and progress.elapsed_s > 1 else 0.0
    clock = session.clock.state()
    left_s = max(free - floor, 0) / rate if rate else None
    return MachineState(free, floor, left_s, clock.synchronised, clock.max_error_ns)


def closing_step(running: Running | None, post_roll_ns: int, *, is_labelled: bool, is_refused: bool) -> ClosingState:
    """What `closing` is at.

    Args:
        running: The take that closes; None where one is moved.
        post_roll_ns: What is left of the post-roll.
        is_labelled: Somebody has said what the take was.
        is_refused: The disk has refused it.
    """
    if running is None:
        return ClosingState("moving")
    if post_roll_ns > 0:
        return ClosingState("post_roll", left_s=post_roll_ns / 1e9)
    if not is_labelled or is_refused:
        return ClosingState("refused" if is_labelled else "label")
    if running.file.is_closed:
        return ClosingState("placing")
    return ClosingState("writing", waiting_bytes=running.file.waiting_bytes())


@dataclass
class ClosingWatch:
    """How long `closing` has been at the same step."""

    _at: tuple[str, str] = ("", "")
    _since_s: float = 0.0

    def look(self, state: ClosingState, about: str, now_s: float) -> ClosingState:
        """The state with its seconds.

        Args:
            state: Of now.
            about: Of which take.
            now_s: Of a monotonic clock.
        """
        if (state.step, about) != self._at:
            self._at, self._since_s = (state.step, about), now_s
        return replace(state, seconds=now_s - self._since_s)
