"""A disk that remembers what was synced: the states that a power cut could leave, from the real calls of a program.

The system calls that write, sync, rename, make and remove are stood before, and each is carried out (before Python
3.11 pathlib keeps its own of some; the next sync shows what they did). After each one the tree is held against what is
durable: a file's bytes up to its last sync, a name once its folder was synced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

CALLS = ("writev", "write", "fsync", "fdatasync", "rename", "replace", "mkdir", "unlink", "link")
How = Literal["least", "torn", "zeros", "most"]
WAYS: tuple[How, ...] = ("least", "torn", "zeros", "most")
"""`least`: what is durable alone; `most`: everything, as after a kill; `torn`: every name, and half of the bytes that
were not synced; `zeros`: likewise, and zeros for the other half."""


@dataclass(frozen=True)
class Tree:
    """Folders by inode, with what is in them by name; bytes of files by inode."""

    folders: Mapping[int, Mapping[str, int]]
    files: Mapping[int, bytes]


@dataclass(frozen=True)
class Moment:
    """The tree after one call, what of it is durable, and how many messages had been promised to be."""

    call: str
    root: int
    live: Tree
    durable: Tree
    promised_n: int

    def leave(self, target: Path, how: How) -> None:
        """Make what a power cut leaves; `target` does not exist yet."""
        self._copy(self.root, target, (self.durable if how == "least" else self.live).folders, how)

    def _copy(self, inode: int, target: Path, folders: Mapping[int, Mapping[str, int]], how: How) -> None:
        target.mkdir(parents=True)
        for name, child in folders.get(inode, {}).items():
            if child in self.live.folders or child in self.durable.folders:
                self._copy(child, target / name, folders, how)
            else:
                (target / name).write_bytes(self._bytes(child, how))

    def _bytes(self, inode: int, how: How) -> bytes:
        synced = self.durable.files.get(inode, b"")
        whole = self.live.files.get(inode, synced)
        rest = whole[len(synced) :]
        half = len(rest) // 2
        return {
            "least": synced,
            "most": whole,
            "torn": synced + rest[:half],
            "zeros": synced + rest[:half] + bytes(len(rest) - half),
        }[how]


@dataclass
class Disk:
    """Watches one folder tree, all of which is durable at the beginning."""

    root: Path
    promised_n: int = 0
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        live = self._tree()
        self._folders, self._files = dict(live.folders), dict(live.files)

    def _tree(self) -> Tree:
        folders: dict[int, dict[str, int]] = {self.root.stat().st_ino: {}}
        files: dict[int, bytes] = {}
        for path in self.root.rglob("*"):
            inode = path.stat().st_ino
            folders.setdefault(path.parent.stat().st_ino, {})[path.name] = inode
            if path.is_dir():
                folders.setdefault(inode, {})
            else:
                files[inode] = path.read_bytes()
        return Tree(folders, files)

    def after(self, call: str, synced: str) -> None:
        """Note the state after a call; `synced` is the path that it made durable, empty for none."""
        live = self._tree()
        if synced.startswith(str(self.root)) and os.path.exists(synced):  # noqa: PTH110 - a link of /proc
            inode = os.stat(synced).st_ino  # noqa: PTH116 - likewise
            if inode in live.folders:
                self._sync_folder(inode, live)
            elif inode in live.files:
                self._files[inode] = live.files[inode]
        durable = Tree({inode: dict(names) for inode, names in self._folders.items()}, dict(self._files))
        self.moments.append(Moment(call, self.root.stat().st_ino, live, durable, self.promised_n))

    def _sync_folder(self, folder: int, live: Tree) -> None:
        """Its names are durable; what moved in is durably gone from where it was, as journals of file systems do."""
        self._folders[folder] = dict(live.folders[folder])
        for inode in live.folders[folder].values():
            if inode in live.folders:
                self._folders.setdefault(inode, {})
            for other, names in self._folders.items():
                gone = [n for n, child in names.items() if child == inode and n not in live.folders.get(other, {})]
                for name in gone if other != folder else ():
                    del names[name]

    @contextmanager
    def watched(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Note every call that is made inside."""
        with patch.context() as inside:
            for name in CALLS:
                inside.setattr(os, name, self._seen(name, getattr(os, name)))
            yield

    def _seen(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def carried_out(*words: object, **more: object) -> object:
            is_sync = name in {"fsync", "fdatasync"}
            path = os.readlink(f"/proc/self/fd/{words[0]}") if is_sync else ""  # noqa: PTH115 - no path
            done = call(*words, **more)
            self.after(name, path)
            return done

        return carried_out
