"""The robot in real time: control and physics here, cameras in a process of their own."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.sim.control import Control
from embodied_recorders.sim.frames import READY, pack
from embodied_recorders.sim.log import LogWriter
from embodied_recorders.sim.options import SimOptions, to_json
from embodied_recorders.sim.outlet import Outlet
from embodied_recorders.sim.physics import load_mujoco
from embodied_recorders.sim.realtime import Lateness, Pacer
from embodied_recorders.transports import open_transport

LATE_LIMIT_MS = 50
CAMERAS_END_S = 60.0  # on a slow machine many frames may still wait in the pipe


def run(
    options: SimOptions,
    *,
    stop: threading.Event | None = None,
    on_ready: Callable[[int], None] | None = None,
) -> int:
    """Run the robot until it has done what was asked for, SIGINT, SIGTERM or `stop`.

    Args:
        options: What to do.
        stop: Set from another thread to end.
        on_ready: Called with the epoch, ns, when all publishers are open and step 0 begins.

    Returns:
        Exit code 0.

    Raises:
        MissingExtraError: MuJoCo is not installed.
        EnvironmentUnfitError: The transport does not work here, or the camera process ended.
        UsageError: The log cannot be written.
    """
    load_mujoco()
    stop = stop or threading.Event()
    log = LogWriter(options.log, fresh=True) if options.log else None
    with ExitStack() as stack:
        if log:
            stack.callback(log.close)
        stack.enter_context(_signals(stop))
        # Before the cameras, so that a transport that does not work here is told of once.
        transport = open_transport(options.transport, domain_id=options.domain_id, node_name="sim_control")
        with _cameras(options) as cameras:
            try:
                control = Control(options, Outlet(transport, "control", log))
                _await_ready(cameras)
                _drive(control, cameras, stop, log, on_ready)
                control.stop()
            finally:
                transport.close()
    return 0


def _drive(
    control: Control,
    cameras: subprocess.Popen[bytes],
    stop: threading.Event,
    log: LogWriter | None,
    on_ready: Callable[[int], None] | None,
) -> None:
    """Real time from step 0 to the end."""
    epoch_ns, start_ns = time.time_ns(), time.monotonic_ns()
    control.start(epoch_ns)
    _tell(cameras, f"{epoch_ns} {start_ns}\n".encode())
    if on_ready:
        on_ready(epoch_ns)
    lateness = Lateness("control", LATE_LIMIT_MS, log)
    pacer = Pacer(start_ns, lateness)
    gc.freeze()  # what exists now stays; collecting it again and again would delay steps
    step = 0
    while not (stop.is_set() or control.finished()):
        pacer.wait(step)
        frame = control.advance()
        if frame is not None:
            _tell(cameras, pack(frame))
        step += 1
    gc.unfreeze()
    if log:
        log.event("worst", {"process": "control", "late_ms": lateness.worst_ns // 1_000_000})


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM ask for a clean end; only the main thread may say so."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _cameras(options: SimOptions) -> Iterator[subprocess.Popen[bytes]]:
    """The camera process; closing its stdin ends it after the frames it has."""
    process = subprocess.Popen(
        [sys.executable, "-m", "embodied_recorders.sim.camera_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
        start_new_session=True,
        bufsize=0,
    )
    try:
        _tell(process, to_json(options).encode() + b"\n")
        yield process
    finally:
        end(process, CAMERAS_END_S)


def child_environment() -> dict[str, str]:
    """Environment in which a child finds the same packages (also in a plain clone) and BLAS starts no threads."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}


def end(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """End a child by closing its stdin, by force and with a word only if that does not help; its exit code."""
    if process.stdin:
        with suppress(BrokenPipeError):  # it is gone already
            process.stdin.close()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        print(
            f"robot sim: process {process.pid} did not end within {timeout_s:g} s; what it had to send is lost",
            file=sys.stderr,
        )
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
    return process.returncode


def _tell(process: subprocess.Popen[bytes], data: bytes) -> None:
    if process.stdin is None:
        raise ValueError("expected a child with a pipe to its stdin")
    try:
        while data:
            data = data[process.stdin.write(data) :]
    except BrokenPipeError as error:
        raise _ended(process) from error


def _await_ready(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is None or process.stdout.readline() != READY:
        raise _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> EnvironmentUnfitError:
    code = process.wait(CAMERAS_END_S)
    return EnvironmentUnfitError(f"the camera process ended with code {code}", remedy="its message stands above")
