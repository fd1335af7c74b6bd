"""Safe paths inside a dataset: what their text may be, walking a tree, opening a file without leaving it."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from embodied_kit.errors import DataError

PathProblem = Literal[
    "none", "absolute", "parent", "symlink", "not_nfc", "case_clash", "not_regular", "unsafe_name"
]  # fmt: skip
OUTSIDE_THE_DATASET = ("attestation", ".embodied")
MAX_PATH_BYTES = 1024
MAX_PATH_PARTS = 64
# The backslash separates on Windows, the colon names a drive or a stream there.
_UNSAFE_CHARACTERS = frozenset('\\:<>"|?*')
# Control, format (bidi overrides hide an ending), surrogate, line and paragraph separator.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HAS_DIR_FD = (
    hasattr(os, "O_NOFOLLOW")
    and hasattr(os, "O_DIRECTORY")
    and os.open in os.supports_dir_fd
    and os.stat in os.supports_dir_fd
    and os.scandir in os.supports_fd
)
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_DIRECTORY_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_DIRECTORY", 0)


class UnsafePathError(DataError):
    """A path that must not be followed.

    Attributes:
        path: The path as it was given.
        problem: Why, as in the facts table `file`.
    """

    def __init__(self, path: str, problem: PathProblem) -> None:
        super().__init__(f"expected a plain file inside the dataset, got {path!r} ({problem})")
        self.path = path
        self.problem: PathProblem = problem


@dataclass(frozen=True, slots=True)
class WalkedFile:
    r"""One file of a tree.

    Attributes:
        path: POSIX path relative to the root; bytes that are no UTF-8 are written as `\xff`.
        problem: `none` where the file may be opened.
    """

    path: str
    problem: PathProblem


def path_problem(relative: str) -> PathProblem:
    """What the text of a relative POSIX path tells about its safety, without touching the disk."""
    if relative.startswith("/") or relative[1:2] == ":":
        return "absolute"
    parts = relative.split("/")
    if ".." in parts:
        return "parent"
    if any(not _is_safe_name(part) for part in parts) or _is_too_long(relative, parts):
        return "unsafe_name"
    return "none" if unicodedata.is_normalized("NFC", relative) else "not_nfc"


def open_inside(root: Path, relative: str) -> BinaryIO:
    """Open a regular file below a root for reading, following no symbolic link below the root.

    Each component is opened relative to the one before (openat), so a link swapped in between is not followed.
    Where the system lacks openat (Windows), each component is checked before, and the opened file after.

    Raises:
        UnsafePathError: The path leaves the root, crosses a link, or names no regular file.
        OSError: It does not exist or cannot be read.
    """
    problem = path_problem(relative)
    if problem not in {"none", "not_nfc"}:
        raise UnsafePathError(relative, problem)
    *folders, name = relative.split("/")
    at = _At.root(root)
    try:
        for folder in folders:
            below = at.enter(folder, relative)
            at.close()
            at = below
        return at.open_file(name, relative)
    finally:
        at.close()


def walk_files(root: Path, exclude_top: tuple[str, ...] = OUTSIDE_THE_DATASET) -> Iterator[WalkedFile]:
    """Every file below a root, sorted by the UTF-8 bytes of its path; links are named, never followed.

    Args:
        root: Directory to walk.
        exclude_top: Directories directly below the root that are left out (a file or link of that name is not).

    Yields:
        Each entry that is not a directory, and each directory that cannot be entered (`not_regular`; `unsafe_name`
        where it lies too deep). Empty directories are nothing.

    Raises:
        OSError: The root itself cannot be listed.
    """
    at = _At.root(root)
    try:
        yield from _walk(at, "", _entries(at), inherited="none", excluded=exclude_top)
    finally:
        at.close()


def is_real_directory(root: Path, name: str) -> bool:
    """Whether a name directly below the root is a directory and no link to one."""
    try:
        return stat.S_ISDIR((root / name).lstat().st_mode)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str  # as the system knows it
    shown: str  # as it is written
    kind: Literal["file", "directory", "symlink", "other"]

    @property
    def sort_key(self) -> bytes:
        return (self.shown + "/" * (self.kind == "directory")).encode("utf-8")


@dataclass(frozen=True, slots=True)
class _At:
    """A directory: its path, and its descriptor where the system has openat."""

    path: Path
    descriptor: int | None

    @classmethod
    def root(cls, path: Path) -> _At:
        flags = _DIRECTORY_FLAGS & ~getattr(os, "O_NOFOLLOW", 0)  # the caller names the root, link or not
        return cls(path, os.open(path, flags) if _HAS_DIR_FD else None)

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)

    def target(self, name: str) -> str:
        return name if self.descriptor is not None else os.fspath(self.path / name)

    def lstat(self, name: str) -> os.stat_result:
        return os.stat(self.target(name), dir_fd=self.descriptor, follow_symlinks=False)

    def enter(self, name: str, relative: str) -> _At:
        if stat.S_ISLNK(self.lstat(name).st_mode):
            raise UnsafePathError(relative, "symlink")
        if self.descriptor is None:
            return _At(self.path / name, None)
        try:
            return _At(self.path / name, os.open(name, _DIRECTORY_FLAGS, dir_fd=self.descriptor))
        except OSError as error:
            raise _link_or_same(error, self, name, relative) from error

    def open_file(self, name: str, relative: str) -> BinaryIO:
        before = self.lstat(name)
        if not stat.S_ISREG(before.st_mode):
            raise UnsafePathError(relative, "symlink" if stat.S_ISLNK(before.st_mode) else "not_regular")
        try:
            descriptor = os.open(self.target(name), _READ_FLAGS, dir_fd=self.descriptor)
        except OSError as error:
            raise _link_or_same(error, self, name, relative) from error
        opened = os.fstat(descriptor)
        swapped = self.descriptor is None and not os.path.samestat(before, opened)  # O_NOFOLLOW makes it needless
        if swapped or not stat.S_ISREG(opened.st_mode):
            os.close(descriptor)
            raise UnsafePathError(relative, "not_regular")
        return os.fdopen(descriptor, "rb")


def _link_or_same(error: OSError, at: _At, name: str, relative: str) -> Exception:
    """The error of an open that was refused because a link was swapped in; else the error itself."""
    if error.errno == errno.ELOOP:
        return UnsafePathError(relative, "symlink")
    if error.errno == errno.ENOTDIR and stat.S_ISLNK(at.lstat(name).st_mode):
        return UnsafePathError(relative, "symlink")
    return error


def _walk(
    at: _At, prefix: str, entries: list[_Entry], *, inherited: PathProblem, excluded: tuple[str, ...] = ()
) -> Iterator[WalkedFile]:
    folded = Counter(_folded(entry.shown) for entry in entries)
    for entry in entries:
        path = prefix + entry.shown
        clash: PathProblem = "case_clash" if folded[_folded(entry.shown)] > 1 else inherited
        if entry.kind == "directory":
            if entry.name not in excluded:
                yield from _walk_below(at, entry, path, clash)
        elif entry.kind == "file":
            problem = path_problem(path)
            yield WalkedFile(path, clash if problem == "none" else problem)
        else:
            yield WalkedFile(path, "symlink" if entry.kind == "symlink" else "not_regular")


def _walk_below(at: _At, entry: _Entry, path: str, inherited: PathProblem) -> Iterator[WalkedFile]:
    if _is_too_long(path, path.split("/")):
        yield WalkedFile(path, "unsafe_name")
        return
    with _entered(at, entry.name, path) as below:
        try:
            entries = None if below is None else _entries(below)
        except OSError:
            entries = None
        if below is None or entries is None:
            yield WalkedFile(path, "not_regular")
            return
        yield from _walk(below, path + "/", entries, inherited=inherited)


@contextmanager
def _entered(at: _At, name: str, path: str) -> Iterator[_At | None]:
    try:
        below = at.enter(name, path)
    except (OSError, UnsafePathError):
        below = None  # swapped for something else, or not readable
    try:
        yield below
    finally:
        if below is not None:
            below.close()


def _entries(at: _At) -> list[_Entry]:
    with os.scandir(at.path if at.descriptor is None else at.descriptor) as listing:
        return sorted((_entry(item) for item in listing), key=lambda entry: entry.sort_key)


def _entry(item: os.DirEntry[str]) -> _Entry:
    shown = os.fsencode(item.name).decode("utf-8", "backslashreplace")
    kind: Literal["file", "directory", "symlink", "other"] = "other"
    if item.is_symlink():
        kind = "symlink"
    elif item.is_dir(follow_symlinks=False):
        kind = "directory"
    elif item.is_file(follow_symlinks=False):
        kind = "file"
    return _Entry(item.name, shown, kind)


def _folded(name: str) -> str:
    """Form under which a case-insensitive or normalising file system would take two names for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_safe_name(part: str) -> bool:
    """Whether one component is a name on every system; Windows drops dots and spaces at the end."""
    return bool(part) and part[-1] not in ". " and not any(_is_unsafe(character) for character in part)


def _is_unsafe(character: str) -> bool:
    return character in _UNSAFE_CHARACTERS or unicodedata.category(character) in _UNSAFE_CATEGORIES


def _is_too_long(path: str, parts: list[str]) -> bool:
    return len(parts) > MAX_PATH_PARTS or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES
