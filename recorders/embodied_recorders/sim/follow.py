"""Following the simulated robot's takes by its topic /sim/phase, as an operator would by eye."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Sample
from embodied_recorders.documents import TakeResult
from embodied_recorders.session import Session, StopWhen
from embodied_recorders.sim.streams import PHASE

STOP_REASON = "operator"
_STRING = "std_msgs/msg/String"
_IDLE_S = 0.02


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

    def stop_when(self) -> StopWhen:
        """Says why to end a recording that begins now: the robot has turned to the next take, or is done."""
        running = self._recorded = self.take

        def stop(samples: Sequence[Sample]) -> str:
            self.see(samples)
            return STOP_REASON if self.over or self.take != running else ""

        return stop

    def result(self) -> TakeResult:
        """How the recorded take ended, as the simulation itself judged it; unknown where it has not ended."""
        last = self._last if self._last.get("take") == self._recorded else {}
        outcome = str(last.get("outcome", "unknown"))
        cause = last.get("failure_cause")
        return TakeResult(outcome, str(cause) if cause else "", "script", STOP_REASON)

    def _read(self, phase: Mapping[str, object]) -> None:
        last, take = phase.get("last_take"), phase.get("take")
        self._last = last if isinstance(last, Mapping) else {}
        self.take = take if isinstance(take, int) else self.take
        self.over = phase.get("phase") == "end"
