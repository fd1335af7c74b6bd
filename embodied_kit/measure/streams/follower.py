"""The data files of a take, scanned while they are written: at its end little is left to be read."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from embodied_kit.episode.layout import EPISODES, PARTIAL, data_file
from embodied_kit.errors import UsageError
from embodied_kit.mcap.followed import FollowedSource
from embodied_kit.mcap.source import LocalSource, Source
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.places.location import DataFile
from embodied_kit.measure.streams.scan import EpisodeScan
from embodied_kit.model.facts import Depth

_LOOK_S = 0.05


class Follower:
    """A scan in a thread of its own, for one `measure_unit`; it ends with the take.

    Args:
        staging: Folder in which the take lies while it is recorded.
        episode_id: Of the take.
        depth: How deep to look.
    """

    def __init__(self, staging: Path, episode_id: str, depth: Depth) -> None:
        self._staging, self._home = staging, f"{EPISODES}/{episode_id}"
        self._given_up = threading.Event()
        self._scan = EpisodeScan(ColumnStore(), depth)
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="embodied-kit-follower", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has come to the end of the take."""
        return not self._thread.is_alive()

    def scan_of(self, files: Sequence[DataFile], digests: Mapping[str, str], depth: Depth) -> EpisodeScan | None:
        """Its scan, to be gone on with from the first file that it has not; None where it is of something else.

        Args:
            files: The data files as they lie there now.
            digests: Path -> what the writer says that it wrote.
            depth: How deep to look.
        """
        if not self.is_done or self._failed or depth != self._scan.depth:
            return None
        scanned = [(file.path, file.info.sha256 if file.info else "") for file in self._scan.files]
        there = [(item.path, digests.get(item.path)) for item in files[: len(scanned)] if item.streams]
        return self._scan if scanned == there else None

    def close(self) -> None:
        """Give up, and let go of what was read."""
        self._given_up.set()
        self._thread.join()
        self._scan.close()

    def _run(self) -> None:
        try:
            for index in count():
                source = self._opened(index)
                if source is None:
                    return
                self._scan.add_file(_Opened(source), f"{self._home}/{data_file(index)}")
        except Exception:  # noqa: BLE001 - what it stumbled over, whoever measures the take anew meets and tells
            self._failed = True

    def _opened(self, index: int) -> Source | None:
        """A data file of the take, once it is there; None for none. The next one is begun before one is whole."""
        path = self._staging / data_file(index)
        partial = path.with_name(path.name + PARTIAL)
        while not self._given_up.is_set():
            with suppress(UsageError):
                return FollowedSource(partial, self._given_up)
            with suppress(UsageError):
                return LocalSource(path)  # whole already
            if index or not self._staging.is_dir():
                break  # the take is over
            self._given_up.wait(_LOOK_S)
        return None


class _Opened:
    """A source that is open already."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def open(self) -> Source:
        """It."""
        return self._source
