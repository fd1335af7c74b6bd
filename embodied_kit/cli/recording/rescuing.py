"""Failed takes brought back while the session goes on: a process beside the recorder does what `recover` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.recording.recovering import what_became
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset
from embodied_kit.errors import EmbodiedKitError

if TYPE_CHECKING:
    from embodied_recorders.child import Child
    from embodied_recorders.loop.beside import Rescued

_NICE = 10  # the next take goes first
_STOP_S = 0.5


class TakeRescuer:
    """Itself a recorder's `Rescuer`; takes that somebody records are left alone, which their journals' locks tell.

    Args:
        dataset: Root of the dataset.
    """

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset
        self._child: Child | None = None

    def begin(self) -> None:
        """Begin, unless it is at work already; returns at once."""
        from embodied_recorders.child import Child  # noqa: PLC0415  # arrows

        if self._child is None:
            with suppress(OSError):  # too many files are open, say: it is asked again
                self._child = Child(run_rescuer, str(self._dataset), name="embodied-kit-rescuer")

    def finished(self) -> Sequence[Rescued]:
        """What became of the takes, once, when all is done; never waits."""
        if self._child is None or not self._child.connection.poll():
            return ()
        found: Sequence[Rescued] = ()
        with suppress(EOFError, OSError):  # it was killed, and is begun anew
            found = self._child.connection.recv()
        self.close()
        return found

    def close(self) -> None:
        """End it, even before it is done: the next one takes up what it left."""
        if self._child is not None:
            self._child.end(_STOP_S)
            self._child = None


def run_rescuer(connection: Connection, dataset: str) -> None:
    """Main of the process."""
    from embodied_kit.episode.recovery import recover_takes  # noqa: PLC0415  # heavy
    from embodied_recorders.child import settle  # noqa: PLC0415  # arrows
    from embodied_recorders.loop.beside import Rescued  # noqa: PLC0415  # arrows

    settle(_NICE)
    found: list[Rescued] = []
    with suppress(EmbodiedKitError, OSError):  # the disk is gone again
        for one in recover_takes(Dataset(Path(dataset)), time.time_ns()):
            text = {language: what_became(one, Texts(language)) for language in ("en", "zh")}
            folder = "" if one.folder is None else str(one.folder)
            found.append(Rescued(one.episode_id, one.kind not in {"in_use", "failed"}, text, folder))
    with suppress(OSError):  # the recorder is gone
        connection.send(found)
