"""A folder of files that is measured: on disk, or whatever else lists, reads and opens files by their paths."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import Protocol

from embodied_kit.episode.paths import OUTSIDE_THE_DATASET
from embodied_kit.mcap.source import LocalSource, Source
from embodied_kit.measure.places.files import hash_inside
from embodied_kit.measure.places.walk import Entry, list_folder, read_inside


class Location(Protocol):
    """A folder; can be pickled. Paths are POSIX, relative to it."""

    def entries(self, *, outside: tuple[str, ...] = OUTSIDE_THE_DATASET, any_name: bool = False) -> Iterator[Entry]:
        """Every file, sorted by path.

        Args:
            outside: Folders directly below that are left out.
            any_name: Whether data files may be opened whose names only travel badly (`12:30.mcap`).
        """
        ...

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Up to `max_bytes` + 1 bytes; None where it is no file that can be read."""
        ...

    def hash(self, path: str) -> str | None:
        """SHA-256 in hex; None where it is no file that can be read."""
        ...

    def open(self, path: str) -> Source:
        """A data file that was listed.

        Raises:
            UsageError: It cannot be opened.
        """
        ...

    def state(self, path: str) -> str:
        """What changes when the file does, without reading it; empty where nothing is known."""
        ...

    def names(self, inside: str = "") -> set[str]:
        """Names directly below it, or below a folder inside it; none where there is no such folder.

        Raises:
            UsageError: They cannot be listed.
        """
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder on disk; no link below it is followed.

    Attributes:
        root: Where it lies.
    """

    root: Path

    def entries(self, *, outside: tuple[str, ...] = OUTSIDE_THE_DATASET, any_name: bool = False) -> Iterator[Entry]:
        """Every file, sorted by path."""
        for entry in list_folder(self.root, outside=outside):
            yield self._opened(entry) if any_name else entry

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Up to `max_bytes` + 1 bytes; None where it is no file that can be read."""
        return read_inside(self.root, path, max_bytes)

    def hash(self, path: str) -> str | None:
        """SHA-256 in hex; None where it is no file that can be read."""
        return hash_inside(self.root, path)

    def open(self, path: str) -> Source:
        """A data file that was listed."""
        return LocalSource(self.root / path)

    def state(self, path: str) -> str:
        """Device, inode, size and times."""
        try:
            status = (self.root / path).lstat()
        except OSError:
            return ""
        numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return json.dumps(numbers)

    def names(self, inside: str = "") -> set[str]:
        """Names directly below it, or below a folder inside it; none where there is no such folder."""
        folder = self.root / inside
        return {item.name for item in folder.iterdir()} if folder.is_dir() else set()

    def _opened(self, entry: Entry) -> Entry:
        if entry.kind != "mcap" or entry.problem != "unsafe_name":
            return entry
        try:
            status = (self.root / entry.path).lstat()
        except OSError:
            return entry
        return replace(entry, size=status.st_size) if S_ISREG(status.st_mode) else entry


@dataclass(frozen=True)
class DataFile:
    """A data file to be scanned.

    Attributes:
        location: The folder that it lies in.
        inside: Its path there.
        path: As facts name it.
        streams: Whether its messages belong to the unit; otherwise only its container is looked at.
    """

    location: Location
    inside: str
    path: str
    streams: bool = True

    def open(self) -> Source:
        """Its bytes.

        Raises:
            UsageError: It cannot be opened.
        """
        return self.location.open(self.inside)

    def state(self) -> str:
        """What changes when the file does."""
        return self.location.state(self.inside)

    def sha256(self) -> str:
        """Digest of its bytes as they are now; empty where it cannot be read."""
        return self.location.hash(self.inside) or ""
