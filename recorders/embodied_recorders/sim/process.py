"""The robot as a process of its own, for tests and the demo: whatever happens to the parent, it ends."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from types import TracebackType
from typing import BinaryIO, final

from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.sim.options import SimOptions, to_json
from embodied_recorders.sim.run import child_environment, end

END_S = 90.0  # longer than the robot waits for its cameras


@final
class SimProcess:
    """A running robot; also a context manager that stops it."""

    def __init__(self, options: SimOptions) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "embodied_recorders.sim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
            bufsize=0,
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("expected a child with pipes")
        self._process.stdin.write(to_json(options).encode() + b"\n")
        self._reader = threading.Thread(target=_first_line, args=(self._process.stdout, self._lines), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id of the control process."""
        return self._process.pid

    def wait_ready(self, timeout_s: float = 30.0) -> int:
        """Wait until all topics are offered and step 0 begins.

        Returns:
            Time of step 0, ns since the Unix epoch.

        Raises:
            EnvironmentUnfitError: It ended, or is not ready in time.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty as error:
            raise EnvironmentUnfitError(f"expected the robot to be ready within {timeout_s:g} s") from error
        if not line:
            code = self._process.wait(END_S)
            raise EnvironmentUnfitError(f"the robot ended with code {code}", remedy="its message stands above")
        return int(json.loads(line)["epoch_ns"])

    def wait(self, timeout_s: float) -> int:
        """Wait until it has done what was asked for; its exit code.

        Raises:
            EnvironmentUnfitError: It is still running after the time.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentUnfitError(f"expected the robot to end within {timeout_s:g} s") from error

    def stop(self, timeout_s: float = END_S) -> int:
        """Ask it to end and wait for that; its exit code."""
        code = end(self._process, timeout_s)
        self._reader.join()
        return code

    def __enter__(self) -> SimProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(options: SimOptions) -> SimProcess:
    """Start a robot in a process of its own."""
    return SimProcess(options)


def _first_line(source: BinaryIO, lines: queue.Queue[bytes]) -> None:
    lines.put(source.readline())
