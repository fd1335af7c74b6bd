"""Keeping time: steps when they are due, and a word on stderr when the machine cannot keep up. Nothing is skipped."""

from __future__ import annotations

import sys
import time

from embodied_kit.language import language, pick
from embodied_recorders.sim.log import LogWriter

SECOND_NS = 1_000_000_000
_PROCESSES = {"control": "控制进程", "cameras": "相机进程"}
QUIET_NS = 2 * SECOND_NS


class Lateness:
    """Watches how late a process is and says so, again only when it has doubled; the log hears it every 2 s.

    Args:
        process: Its name in the warning.
        limit_ms: Lateness that is worth a word.
        log: The robot's log; None for none.
    """

    def __init__(self, process: str, limit_ms: int, log: LogWriter | None) -> None:
        self._process = process
        self._limit_ns = limit_ms * 1_000_000
        self._log = log
        self._said_ns = -QUIET_NS
        self._worth_telling_ns = self._limit_ns
        self._worst_since_ns = 0
        self.worst_ns = 0

    def saw(self, late_ns: int) -> None:
        """Note how late a step or frame was."""
        self.worst_ns = max(self.worst_ns, late_ns)
        if late_ns < self._limit_ns:
            return
        self._worst_since_ns = max(self._worst_since_ns, late_ns)
        now_ns = time.monotonic_ns()
        if now_ns - self._said_ns >= QUIET_NS:
            self._say(now_ns)

    def _say(self, now_ns: int) -> None:
        late_ms = self._worst_since_ns // 1_000_000
        if self._worst_since_ns >= self._worth_telling_ns:
            self._worth_telling_ns = 2 * self._worst_since_ns
            name = _PROCESSES.get(self._process, self._process)
            late = f"{self._process} fell {late_ms} ms behind real time"
            said = {
                "en": f"robot sim: {late}; nothing is lost, all is sent later",
                "zh": f"robot sim：{name}比实时慢 {late_ms} 毫秒；不丢消息，只是晚发",
            }
            print(pick(said, language()), file=sys.stderr, flush=True)
        if self._log is not None:
            self._log.event("late", {"process": self._process, "late_ms": late_ms})
        self._said_ns = now_ns
        self._worst_since_ns = 0


class Pacer:
    """Real time on the monotonic clock, from step 0 at `start_ns`."""

    def __init__(self, start_ns: int, lateness: Lateness) -> None:
        self._start_ns = start_ns
        self._lateness = lateness

    def wait(self, step: int) -> None:
        """Sleep until a step (1 ms) is due; at once where it is overdue."""
        late_ns = time.monotonic_ns() - self._start_ns - step * 1_000_000
        if late_ns < 0:
            time.sleep(-late_ns / SECOND_NS)
        else:
            self._lateness.saw(late_ns)
