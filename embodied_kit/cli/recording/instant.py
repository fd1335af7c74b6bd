"""The verdict on a take within seconds of its end: a process beside the recorder does what `validate` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.recording.judging_process import Begun, Closed, Lost, run_judge

if TYPE_CHECKING:
    from embodied_recorders.loop.beside import Verdict

_STOP_S = 0.5
GONE = {
    "en": "the judging process has ended; takes are recorded all the same, embodied-kit validate judges them",
    "zh": "校验进程已退出；采集不受影响，可用 embodied-kit validate 校验",
}


class InstantJudge:
    """Judges episode folders in a process of its own (`judging_process`); itself a recorder's `Judge`.

    Each verdict on a take replaces the one before, which leaves undecided what it has not seen.

    Args:
        dataset: Root of the dataset, whose documents choose the profile.
        profile: Name or file of a profile; None chooses.
    """

    def __init__(self, dataset: Path, profile: str | None = None) -> None:
        from embodied_recorders.child import Child  # noqa: PLC0415  # arrows

        self._awaited: dict[str, None] = {}  # in order
        self._child = Child(run_judge, str(dataset), profile, name="embodied-kit-judge")

    def follow(self, episode_id: str, staging: str) -> None:
        """Have a take read while it is recorded; returns at once."""
        self._tell(Begun(episode_id, Path(staging)))

    def forget(self, episode_id: str) -> None:
        """Read no more of a take that failed, and hold nothing of it open; returns at once."""
        self._tell(Lost(episode_id))

    def submit(self, episode_id: str, folder: str) -> None:
        """Have an episode folder judged; returns at once."""
        self._awaited[episode_id] = None
        self._tell(Closed(episode_id, Path(folder), time.monotonic()))

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        """Verdicts that came since the last call; never waits. Where the process has died, there is none but that."""
        from embodied_recorders.loop.beside import Verdict  # noqa: PLC0415  # arrows

        found: list[tuple[str, Verdict]] = []
        try:
            while self._child.connection.poll():
                episode_id, verdict = self._child.connection.recv()
                found.append((episode_id, verdict))
                if verdict.whole:
                    self._awaited.pop(episode_id, None)
        except (EOFError, OSError):
            found += [(episode_id, Verdict(problem=GONE)) for episode_id in self._awaited]
            self._awaited.clear()
        return found

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._child.process.is_alive()

    @property
    def process_id(self) -> int:
        """Of the process; 0 where there is none."""
        return self._child.process.pid or 0

    def close(self) -> None:
        """End it; verdicts that did not come are not waited for."""
        self._child.end(_STOP_S)

    def _tell(self, what: Begun | Lost | Closed) -> None:
        with suppress(OSError):  # it died, which `finished` says
            self._child.connection.send(what)
