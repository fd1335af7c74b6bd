"""The journal of a running take: who records, and what was said of it so far; the lock on it tells who uses the take.

It lies in `.embodied/journal/`, apart from the take's own folder, which becomes the episode. Recorder and writer share
the lock; who recovers a take wants it alone. A line is synced when it is written, at changes of state only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import canonical_bytes, parse_json
from embodied_kit.episode.layout import JOURNALS, PARTIAL, make_folders, sync_folder, writing
from embodied_kit.episode.locking import FileLock, locked_file
from embodied_kit.errors import WriteFaultError
from embodied_kit.model.json import JsonObject, JsonValue

_SUFFIX = ".jsonl"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def journal_path(root: Path, episode_id: str) -> Path:
    """Where the journal of a take lies."""
    return root / JOURNALS / (episode_id + _SUFFIX)


def journal_line(kind: str, fields: JsonObject) -> bytes:
    """One line: opened, event, intervention, stopped, said or closing, and what belongs to it."""
    return canonical_bytes({"kind": kind, **fields}) + b"\n"


@dataclass
class Journal:
    """The journal of a take that this process records."""

    path: Path
    _lock: FileLock | None = None

    def open(self, fields: JsonObject) -> None:
        """Make it, with its first line; it has its name only once it is locked and durable.

        Raises:
            WriteFaultError: It cannot be written.
        """
        with writing(self.path):
            if not self.path.parent.exists():
                make_folders(self.path.parent)
            unnamed = self.path.with_name(self.path.name + PARTIAL)
            self._lock = locked_file(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, shared=True)
            if self._lock is not None:
                self._lock.append(journal_line("opened", {"recorder": this_process(), **fields}))
            unnamed.rename(self.path)
            sync_folder(self.path.parent)

    def release(self) -> None:
        """Leave it to whoever recovers the take."""
        if self._lock is not None:
            self._lock.release()

    def remove(self) -> None:
        """The take is among the episodes: nothing is left to say.

        Raises:
            WriteFaultError: It cannot be removed.
        """
        with writing(self.path):
            self.path.unlink(missing_ok=True)
        self.release()


def join_journal(path: Path) -> FileLock:
    """Share the lock of a take that another process records, to add lines.

    Raises:
        WriteFaultError: Somebody recovers the take: it is too late to write it.
        OSError: There is no journal.
    """
    lock = locked_file(path, os.O_WRONLY | os.O_APPEND, shared=True)
    if lock is None:
        raise WriteFaultError(
            f"expected {path} to be the recorder's, got one that is being recovered", remedy="record the take again"
        )
    return lock


def seize_journal(path: Path, patience_s: float) -> FileLock | None:
    """The lock of a take that nobody records any more; None where it is in use, or there is no journal.

    Args:
        path: Of the journal.
        patience_s: How long to wait for it: a writer whose recorder was killed still empties its queue.
    """
    deadline_s = time.monotonic() + patience_s
    while path.exists():
        lock = locked_file(path, os.O_RDWR)
        if lock is not None and (lock.certain or not _lives(read_journal(path))):
            return lock
        if time.monotonic() >= deadline_s:
            return None
        time.sleep(0.02)
    return None


def read_journal(path: Path) -> Sequence[JsonObject]:
    """Its lines, without those that are torn; none where there is no journal."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return ()
    parsed = [parse_json(line).value for line in lines if line]
    return [line for line in parsed if line is not None]


def this_process() -> JsonObject:
    """What tells this process from every other: its number, when it started, and the boot of its machine."""
    pid = os.getpid()
    return {"pid": pid, "started": _started(pid), "boot_id": _boot_id()}


def _lives(lines: Sequence[JsonObject]) -> bool:
    """Whether the process that opened a journal still runs, on this boot of this machine."""
    who: JsonValue = lines[0].get("recorder") if lines else None
    if not isinstance(who, dict) or who.get("boot_id") != _boot_id():
        return False
    return _started(int(str(who.get("pid", 0)))) == who.get("started") != ""


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since the boot; empty where that cannot be known, or it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
