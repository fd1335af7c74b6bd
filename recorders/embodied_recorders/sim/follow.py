"""Following the simulated robot's takes by its topic /sim/phase, as an operator would by eye."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Sample
from embodied_recorders.sim.streams import DEPTH_IMAGE, FRONT_IMAGE, PHASE, WRIST_IMAGE
from embodied_recorders.take.documents import TakeResult
from embodied_recorders.take.session import Session, StopWhen

STOP_REASON = "operator"
_STRING = "std_msgs/msg/String"
_IDLE_S = 0.02
_LONGEST_WAIT_S = 20.0
_SLOWEST_FRAME_NS = 100_000_000
_CAMERAS = (FRONT_IMAGE, WRIST_IMAGE, DEPTH_IMAGE)
_HEADER_STAMP = struct.Struct("<iI")  # std_msgs/Header comes first in an image, after 4 bytes of encapsulation


@dataclass(frozen=True)
class Phase:
    """A phase of a take as the robot logged it; `start_ns` and `end_ns` are ns since the Unix epoch."""

    take: int
    name: str
    start_ns: int
    end_ns: int


@dataclass
class TakeFollower:
    """Knows which take runs and how the one that is recorded ended.

    Attributes:
        take: Number of the take that runs; 0 before the first.
        over: Whether the robot has done all its takes.
    """

    take: int = 0
    over: bool = False
    _recorded: int = 0
    _last: Mapping[str, object] = field(default_factory=dict)
    _newest_ns: dict[str, int] = field(default_factory=dict)
    _phases: list[Phase] = field(default_factory=list)

    def takes(self, session: Session) -> Iterator[int]:
        """Number of each take as it begins; between takes the session idles."""
        yielded = 0
        while not self.over:
            if self.take > yielded:
                yielded = self.take
                yield yielded
            else:
                self.see(session.idle(_IDLE_S))

    def see(self, samples: Sequence[Sample]) -> None:
        """Look at samples."""
        for sample in samples:
            if sample.topic == PHASE:
                self._read(json.loads(str(codec(_STRING).decode(sample.cdr)["data"])))
            elif sample.topic in _CAMERAS:
                self._newest_ns[sample.topic] = _header_stamp_ns(sample.cdr)

    def stop_when(self) -> StopWhen:
        """Says why to end a recording that begins now: the robot has turned on, and its cameras have shown the end.

        The cameras of a busy machine are late; what they show last still belongs to the take.
        """
        running = self._recorded = self.take
        turned_s: float | None = None

        def stop(samples: Sequence[Sample]) -> str:
            nonlocal turned_s
            self.see(samples)
            if not self.over and self.take == running:
                return ""
            turned_s = time.monotonic() if turned_s is None else turned_s
            waiting = self._cameras_are_late() and time.monotonic() < turned_s + _LONGEST_WAIT_S
            return "" if waiting else STOP_REASON

        return stop

    def result(self) -> TakeResult:
        """How and when the recorded take ended, as the simulation itself says; unknown where it has not ended."""
        last = self._last if self._last.get("take") == self._recorded else {}
        outcome = str(last.get("outcome", "unknown"))
        cause = last.get("failure_cause")
        end_ns = int(str(last["end_ns"])) if "end_ns" in last else None
        return TakeResult(outcome, str(cause) if cause else "", "script", STOP_REASON, end_ns)

    def phases(self) -> list[Phase]:
        """Phases of the recorded take, as far as they have begun, in order."""
        return [phase for phase in self._phases if phase.take == self._recorded]

    def _cameras_are_late(self) -> bool:
        """Whether a camera that has been seen still owes frames of the take."""
        end_ns = int(str(self._last.get("end_ns", 0)))
        return any(newest_ns < end_ns - _SLOWEST_FRAME_NS for newest_ns in self._newest_ns.values())

    def _read(self, phase: Mapping[str, object]) -> None:
        last, take = phase.get("last_take"), phase.get("take")
        self._last = last if isinstance(last, Mapping) else {}
        self.take = take if isinstance(take, int) else self.take
        self.over = phase.get("phase") == "end"
        start_ns, end_ns = phase.get("start_ns"), phase.get("end_ns")
        if isinstance(start_ns, str) and isinstance(end_ns, str):  # the last one has no end
            kept = [seen for seen in self._phases if seen.take >= self._recorded]
            self._phases = [*kept, Phase(self.take, str(phase.get("phase")), int(start_ns), int(end_ns))]


def _header_stamp_ns(cdr: bytes) -> int:
    seconds, nanoseconds = _HEADER_STAMP.unpack_from(cdr, 4)
    return int(seconds * 1_000_000_000 + nanoseconds)
