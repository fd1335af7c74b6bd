"""The whole robot in one process, as fast as the machine goes, on a clock of its own: for tests and sample episodes."""

from __future__ import annotations

from collections.abc import Callable

from embodied_recorders.sim.control import Control
from embodied_recorders.sim.frames import FrameState
from embodied_recorders.sim.images import Images
from embodied_recorders.sim.log import LogWriter
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.outlet import Advertiser, Outlet
from embodied_recorders.sim.physics import STEP_NS

SEND_DELAY_NS = 150_000  # from the moment a header tells to the source stamp


class StepClock:
    """A wall clock that stands still within a step."""

    def __init__(self, epoch_ns: int) -> None:
        self._next_ns = epoch_ns

    def tick(self) -> None:
        """Go on by one step."""
        self._next_ns += STEP_NS

    def __call__(self) -> int:
        """Now, ns since the Unix epoch."""
        return self._next_ns + SEND_DELAY_NS


def every_frame(_frame: FrameState) -> bool:
    """All pictures are drawn."""
    return True


def simulate(
    options: SimOptions,
    transport: Advertiser,
    *,
    epoch_ns: int,
    cameras: bool = True,
    draw: Callable[[FrameState], bool] = every_frame,
) -> int:
    """Run until what was asked for is done; the same arguments publish the same bytes.

    Args:
        options: `takes` or `duration_s` gives the end.
        transport: Where to publish; `options.transport` is not looked at.
        epoch_ns: Time of step 0, ns since the Unix epoch.
        cameras: Whether pictures are drawn and published.
        draw: Which of them; drawing takes most of the time.

    Returns:
        Number of steps of 1 ms.
    """
    clock = StepClock(epoch_ns)
    log = LogWriter(options.log, fresh=True) if options.log else None
    control = Control(options, Outlet(transport, "control", log, clock))
    images = Images(options, Outlet(transport, "cameras", log, clock)) if cameras else None
    control.start(epoch_ns)
    if images:
        images.start(epoch_ns)
    steps = 0
    while not control.finished():
        frame = control.advance()
        if frame is not None and images and draw(frame):
            images.publish(frame)
        clock.tick()
        steps += 1
    control.stop()
    if log:
        log.close()
    return steps
