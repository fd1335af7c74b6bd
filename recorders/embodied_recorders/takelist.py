"""The takes of a session, as an operator sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from embodied_recorders.control import TakeEnd, TakeState, Texts, Verdict
from embodied_recorders.running import Running

_KEPT_TAKES = 50


@dataclass
class TakeList:
    """Takes that have ended, newest last; the oldest go.

    Attributes:
        takes: Never changed in place, so that a snapshot may hold it.
    """

    takes: Sequence[TakeState] = ()

    def add(self, running: Running, state: TakeEnd, outcome: str, reason: str) -> None:
        """A take has ended."""
        self.takes = (*self.takes, take_state(running, state, outcome, reason))[-_KEPT_TAKES:]

    def explain(self, episode_id: str, state: TakeEnd, problem: Texts) -> None:
        """Why a take failed, or how it came back."""
        self.takes = tuple(
            replace(take, state=state, problem=problem) if take.episode_id == episode_id else take
            for take in self.takes
        )

    def change(self, episode_id: str, *, state: TakeEnd, reason: str) -> None:
        """A take was discarded or brought back."""
        self.takes = tuple(
            replace(take, state=state, reason=reason) if take.episode_id == episode_id else take for take in self.takes
        )

    def hear(self, verdicts: Iterable[tuple[str, Verdict]]) -> None:
        """Verdicts by episode id have come."""
        found = dict(verdicts)
        if found:
            self.takes = tuple(replace(t, verdict=found.get(t.episode_id, t.verdict)) for t in self.takes)

    def last_saved(self) -> str:
        """Id of the newest take that is neither discarded nor failed; empty where there is none."""
        return next((take.episode_id for take in reversed(self.takes) if take.state == "saved"), "")


def take_state(running: Running, state: TakeEnd, outcome: str = "", reason: str = "") -> TakeState:
    """A take as it is now."""
    progress = running.progress()
    return TakeState(
        running.file.episode_id, state, progress.elapsed_s, progress.messages_n, progress.bytes_n, outcome, reason
    )
