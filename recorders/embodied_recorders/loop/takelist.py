"""The takes of a session, as an operator sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from embodied_kit.language import Texts
from embodied_recorders.loop.beside import Verdict
from embodied_recorders.loop.control import TakeEnd, TakeState
from embodied_recorders.take.running import Running

_KEPT_TAKES = 50


@dataclass
class TakeList:
    """Takes that have ended, newest last; the oldest go.

    Attributes:
        takes: Never changed in place, so that a snapshot may hold it.
    """

    takes: Sequence[TakeState] = ()
    _awaited: dict[str, float] = field(default_factory=dict)
    _discarded: list[str] = field(default_factory=list)

    def add(self, running: Running, state: TakeEnd, outcome: str, reason: str) -> None:
        """A take has ended."""
        self.takes = (*self.takes, take_state(running, state, outcome, reason))[-_KEPT_TAKES:]

    def shown(self, now_s: float) -> Sequence[TakeState]:
        """As they are now, at `now_s` of a monotonic clock."""
        if not self._awaited:
            return self.takes
        since = self._awaited
        return tuple(
            replace(take, awaited_s=now_s - since[take.episode_id]) if take.episode_id in since else take
            for take in self.takes
        )

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
        self._discarded = [one for one in self._discarded if one != episode_id]
        if state == "discarded":
            self._discarded.append(episode_id)

    def expect(self, episode_id: str, now_s: float) -> None:
        """A take was handed to the judge, at `now_s` of a monotonic clock."""
        self._awaited[episode_id] = now_s

    def hear(self, verdicts: Iterable[tuple[str, Verdict]], now_s: float) -> None:
        """Verdicts by episode id have come; each replaces the one before, but one that says nothing."""
        for episode_id, verdict in verdicts:
            self.takes = tuple(
                replace(take, verdict=_after(take.verdict, verdict)) if take.episode_id == episode_id else take
                for take in self.takes
            )
            if verdict.whole:
                self._awaited.pop(episode_id, None)
            elif episode_id in self._awaited:
                self._awaited[episode_id] = now_s

    def last_discarded(self) -> str:
        """Id of the take that was discarded last, whatever the clock was set to meanwhile; empty where none was."""
        return self._discarded[-1] if self._discarded else ""

    def last_saved(self) -> str:
        """Id of the newest take that is neither discarded nor failed; empty where there is none."""
        return next((take.episode_id for take in reversed(self.takes) if take.state == "saved"), "")


def _after(before: Verdict | None, verdict: Verdict) -> Verdict:
    return replace(before, problem=verdict.problem) if before is not None and verdict.problem else verdict


def take_state(running: Running, state: TakeEnd, outcome: str = "", reason: str = "") -> TakeState:
    """A take as it is now."""
    progress = running.progress()
    return TakeState(
        running.file.episode_id,
        state,
        progress.elapsed_s,
        progress.messages_n,
        progress.bytes_n,
        outcome,
        reason,
        stood_still_s=running.stood_still_s,
    )
