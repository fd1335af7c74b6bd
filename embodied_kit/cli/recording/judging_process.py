"""The judging process beside the recorder: it reads a take while it is recorded, and judges it once it is closed.

Every take has a verdict at once, by its documents and the summary of its file. When the whole of it was read, images
and all, it has the last one, a moment after its end where this machine keeps up with the sensors. Where it does not,
a verdict in between goes by every message without its images.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from embodied_kit.cli.recording.take_verdict import judge_take
from embodied_kit.model.facts import Depth

if TYPE_CHECKING:
    from embodied_kit.measure.streams.follower import Follower

_NICE = 5  # the recording goes first
_ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # Arrow goes by the first, too
_DEPTHS: tuple[Depth, ...] = ("index", "signal", "full")
_LAST = len(_DEPTHS) - 1
_PATIENCE_S = 3.0  # how long the whole verdict is waited for before one without images, which costs as much
_LOOK_S = 0.02
_MOST_FOLLOWED = 2  # each holds its columns and the time of a core; a third take is read once it is closed


@dataclass(frozen=True)
class Begun:
    """A take is being recorded."""

    episode_id: str
    staging: Path


@dataclass(frozen=True)
class Lost:
    """A take failed while it was recorded."""

    episode_id: str


@dataclass(frozen=True)
class Closed:
    """A take is to be judged; `closed_s` of the monotonic clock of this machine."""

    episode_id: str
    folder: Path
    closed_s: float


def run_judge(connection: Connection, dataset: str, profile: str | None) -> None:
    """Main of the judging process: verdicts on what comes, until the pipe closes."""
    from embodied_recorders.child import settle  # noqa: PLC0415  # arrows

    settle(_NICE)
    os.environ.update(_ONE_CORE)
    root = Path(dataset)
    _warm(root, profile)
    with suppress(EOFError, OSError):  # the recorder is gone
        _Queue(connection, root, profile).run()


def _warm(dataset: Path, profile: str | None) -> None:
    """Judge an episode of nothing: imports, rulebook and profile cost their second before the first take."""
    from pyarrow import parquet  # noqa: F401, PLC0415  # what keeps measurements

    with TemporaryDirectory() as folder:
        (Path(folder) / "episode.json").write_bytes(b"{}")
        judge_take(dataset, Path(folder), profile, time.monotonic(), "full")


@dataclass
class _Queue:
    """What waits for a verdict.

    First verdicts go before later ones, whatever take they are of, and the newest take before older ones.
    """

    connection: Connection
    dataset: Path
    profile: str | None
    _followers: dict[str, Follower] = field(default_factory=dict)
    _waiting: list[tuple[int, Closed]] = field(default_factory=list)

    def run(self) -> None:
        """Until the recorder is gone.

        Raises:
            EOFError, OSError: It is.
        """
        while True:
            ready = [entry for entry in self._waiting if self._is_ready(*entry)]
            if not ready or self.connection.poll():
                self._hear(_LOOK_S if self._waiting else None)
                continue
            stage, take = min(ready, key=lambda entry: (entry[0], -entry[1].closed_s))
            self._waiting.remove((stage, take))
            self._judge(stage, take)

    def _hear(self, patience_s: float | None) -> None:
        if not self.connection.poll(patience_s):
            return
        told: Begun | Lost | Closed = self.connection.recv()
        match told:
            case Closed():
                self._waiting.append((0, told))
            case Lost(episode_id):
                self._let_go(episode_id)
            case Begun():
                self._follow(told)

    def _follow(self, take: Begun) -> None:
        from embodied_kit.measure.streams.follower import Follower  # noqa: PLC0415  # heavy

        wanted = {waiting.episode_id for _, waiting in self._waiting}
        for episode_id in self._followers.keys() - wanted:
            self._let_go(episode_id)  # discarded or lost: nobody asked for its verdict
        if len(self._followers) < _MOST_FOLLOWED:
            self._followers[take.episode_id] = Follower(take.staging, take.episode_id, _DEPTHS[_LAST])

    def _is_ready(self, stage: int, take: Closed) -> bool:
        """Whether a verdict is due: one that a scan still goes on for is waited for, in place of an earlier one."""
        follower = self._followers.get(take.episode_id)
        if stage == 0 or follower is None or follower.is_done:
            return True
        return stage < _LAST and time.monotonic() > take.closed_s + _PATIENCE_S

    def _judge(self, stage: int, take: Closed) -> None:
        follower = self._followers.get(take.episode_id)
        if follower is not None and follower.is_done and stage > 0:
            stage = _LAST
        verdict = judge_take(self.dataset, take.folder, self.profile, take.closed_s, _DEPTHS[stage], follower)
        self.connection.send((take.episode_id, verdict))
        if verdict.whole:
            self._let_go(take.episode_id)
        else:
            self._waiting.append((stage + 1, take))

    def _let_go(self, episode_id: str) -> None:
        follower = self._followers.pop(episode_id, None)
        if follower is not None:
            follower.close()
