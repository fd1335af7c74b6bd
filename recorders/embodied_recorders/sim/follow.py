"""Following the simulated robot's takes by its topic /sim/phase, as an operator would by eye."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.messages.codec import Codec
from embodied_kit.model.stream import Sample
from embodied_recorders.documents import TakeResult
from embodied_recorders.sim.streams import PHASE

STOP_REASON = "operator"
_BETWEEN_TAKES = frozenset({"reset", "end"})


@dataclass
class TakeFollower:
    """Knows which take runs, when it is over, and how it ended.

    Attributes:
        take: Number of the take that runs; 0 before the first.
        over: Whether the robot has done all its takes.
    """

    take: int = 0
    over: bool = False
    _last: Mapping[str, object] = field(default_factory=dict)
    _codec: Codec = field(default_factory=lambda: Codec("std_msgs/msg/String"))

    def see(self, samples: Sequence[Sample]) -> bool:
        """Look at samples; True where a take has just begun or the robot is done."""
        turned = False
        for sample in samples:
            if sample.topic == PHASE:
                turned = self._read(json.loads(self._codec.decode(sample.cdr)["data"])) or turned
        return turned

    def stop_when(self, samples: Sequence[Sample]) -> str:
        """Reason to end the recording of a take: the robot has turned to the next, or is done."""
        return STOP_REASON if self.see(samples) else ""

    def result(self) -> TakeResult:
        """How the last take ended, as the simulation itself judged it."""
        outcome = str(self._last.get("outcome", "unknown"))
        cause = self._last.get("failure_cause")
        return TakeResult(outcome, str(cause) if cause else "", "script", STOP_REASON)

    def _read(self, phase: Mapping[str, object]) -> bool:
        last = phase.get("last_take")
        self._last = last if isinstance(last, Mapping) else {}
        take, name = phase.get("take"), phase.get("phase")
        self.over = name == "end"
        new = isinstance(take, int) and take > self.take and name in _BETWEEN_TAKES
        if new and isinstance(take, int):
            self.take = take
        return new or self.over
