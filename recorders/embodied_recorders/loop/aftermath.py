"""What becomes of takes that have ended: judged, told of, and brought back where they failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embodied_kit.language import Texts
from embodied_recorders.loop.beside import Judge, Rescuer
from embodied_recorders.loop.control import Judging, TakeState
from embodied_recorders.loop.rescues import Rescues
from embodied_recorders.loop.takelist import TakeList
from embodied_recorders.take.running import Running


class Aftermath:
    """The list of takes, and who works on them beside the recording.

    Args:
        judge: None for no verdicts.
        rescuer: None leaves failed takes to the next session.

    Attributes:
        takes: As an operator sees them.
    """

    def __init__(self, judge: Judge | None, rescuer: Rescuer | None) -> None:
        self.judge = judge
        self.takes = TakeList()
        self._rescues = Rescues(rescuer)

    @property
    def judging(self) -> Judging:
        """Whether verdicts may be awaited."""
        if self.judge is None:
            return "off"
        return "on" if self.judge.alive else "ended"

    def shown(self, now_s: float) -> Sequence[TakeState]:
        """The takes, at `now_s` of a monotonic clock."""
        return self.takes.shown(now_s)

    def begun(self, running: Running) -> None:
        """The judge reads a take while it is recorded."""
        if self.judge is not None:
            self.judge.follow(running.file.episode_id, str(running.file.staging))

    def closed(self, episode_id: str, folder: Path, now_s: float) -> None:
        """An episode is to be judged."""
        if self.judge is not None:
            self.judge.submit(episode_id, str(folder))
            self.takes.expect(episode_id, now_s)

    def failed(self, running: Running, problem: Texts) -> None:
        """A take is lost to the session, not to the disk: it is brought back once that can be written."""
        episode_id = running.file.episode_id
        self.takes.add(running, "failed", "", problem["en"])
        self.takes.explain(episode_id, "failed", problem)
        self._rescues.expect(episode_id)
        if self.judge is not None:
            self.judge.forget(episode_id)

    def hear(self, now_s: float) -> None:
        """Verdicts have come, maybe."""
        self.takes.hear(self.judge.finished() if self.judge else (), now_s)

    def rescue(self, now_ns: int, *, may_begin: bool) -> None:
        """Tell what became of failed takes, and have the rest brought back, by a monotonic clock."""
        for one in self._rescues.finished():
            self.takes.explain(one.episode_id, "recovered" if one.folder else "failed", one.text)
            if one.folder:
                self.closed(one.episode_id, Path(one.folder), now_ns / 1e9)
        if may_begin:
            self._rescues.begin(now_ns)
