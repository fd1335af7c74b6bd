"""The camera process: frames come on stdin, pictures go to the graph; it ends with stdin, so never as an orphan."""

from __future__ import annotations

import signal
import sys
import time
from typing import BinaryIO

from embodied_recorders.sim.frames import READY, RECORD_BYTES, unpack
from embodied_recorders.sim.images import Images
from embodied_recorders.sim.log import LogWriter
from embodied_recorders.sim.options import from_json
from embodied_recorders.sim.outlet import Outlet
from embodied_recorders.sim.physics import STEP_NS
from embodied_recorders.sim.realtime import Lateness
from embodied_recorders.transports import open_transport

LATE_LIMIT_MS = 150


def main() -> int:
    """Serve the control process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the control process decides when to end
    source = sys.stdin.buffer
    options = from_json(source.readline())
    log = LogWriter(options.log) if options.log else None
    transport = open_transport(options.transport, domain_id=options.domain_id, node_name="sim_cameras")
    try:
        outlet = Outlet(transport, "cameras", log)
        images = Images(options, outlet)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        _serve(source, images, log)
        if log:
            log.event("stop", {"process": "cameras", "sent": dict(outlet.sent)})
    finally:
        transport.close()
        if log:
            log.close()
    return 0


def _serve(source: BinaryIO, images: Images, log: LogWriter | None) -> None:
    start = source.readline().split()
    if len(start) != 2:
        return  # the control process ended before it began
    epoch_ns, start_ns = map(int, start)
    images.start(epoch_ns)
    lateness = Lateness("cameras", LATE_LIMIT_MS, log)
    while len(record := source.read(RECORD_BYTES)) == RECORD_BYTES:
        frame = unpack(record)
        images.publish(frame)
        lateness.saw(time.monotonic_ns() - start_ns - frame.step * STEP_NS)
    if log:
        log.event("worst", {"process": "cameras", "late_ms": lateness.worst_ns // 1_000_000})


if __name__ == "__main__":
    sys.exit(main())
