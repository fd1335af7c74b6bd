"""Bags that rosbag2 compressed itself, with zstd: each message, or each file."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard

from embodied_kit.convert.base import ForeignRecording
from embodied_kit.episode.datafile import OutMessage
from embodied_kit.errors import DataError, EnvironmentUnfitError
from embodied_kit.model.channel import ChannelInfo

SUFFIX: Final = ".zstd"
"""What rosbag2 appends to the name of a compressed file."""
_GROUP_BYTES: Final = 4 * 2**20
_MAX_MESSAGE_BYTES: Final = 2**30
_LONGEST_HEADER: Final = 18
_LEFT_FREE_BYTES: Final = 2**30
"""A temporary folder is never filled up: other programs need it."""


@dataclass
class MessagesInZstd:
    """A bag each of whose messages is a zstd frame."""

    inner: ForeignRecording
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    def channels(self) -> Sequence[ChannelInfo]:
        """Those of the bag."""
        return self.inner.channels()

    def messages(self) -> Iterator[Sequence[OutMessage]]:
        """Its messages as they were before compression."""
        group: list[OutMessage] = []
        size = 0
        for packed in self.inner.messages():
            for message in packed:
                group.append(message._replace(cdr=_plain(message.cdr)))
                size += len(group[-1].cdr)
                if size >= _GROUP_BYTES:
                    yield group
                    group, size = [], 0
            if group:
                yield group
                group, size = [], 0


def unpacked(files: Sequence[Path], open_plain: Callable[[Sequence[Path]], ForeignRecording]) -> ForeignRecording:
    """A bag of compressed files, decompressed into a temporary folder that goes with it.

    Raises:
        DataError: One is not compressed with zstd, or is cut off.
        EnvironmentUnfitError: There is no room for them.
    """
    folder = Path(tempfile.mkdtemp(prefix="embodied-kit-bag-"))
    try:
        bag = open_plain([_unpack(file, folder) if file.suffix == SUFFIX else file for file in files])
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(bag, shutil.rmtree, folder)
    return bag


def _plain(cdr: bytes | memoryview) -> bytes:
    try:
        parameters = zstandard.get_frame_parameters(cdr)
        if parameters.content_size > _MAX_MESSAGE_BYTES:  # an unknown size is larger than any
            raise DataError(f"expected messages of at most {_MAX_MESSAGE_BYTES} bytes, got {parameters.content_size}")
        return zstandard.ZstdDecompressor().decompress(cdr)
    except zstandard.ZstdError as error:
        raise DataError(f"expected messages compressed with zstd, got: {error}") from error


def _unpack(file: Path, folder: Path) -> Path:
    target = folder / file.stem
    room = shutil.disk_usage(folder).free - _LEFT_FREE_BYTES
    with file.open("rb") as source, target.open("wb") as sink:
        head = source.read(_LONGEST_HEADER)
        source.seek(0)
        got = 0
        try:
            wanted = zstandard.frame_content_size(head)
            _require_room(wanted, room, folder.parent)
            for part in zstandard.ZstdDecompressor().read_to_iter(source):
                got += len(part)
                _require_room(got, room, folder.parent)
                sink.write(part)
        except zstandard.ZstdError as error:
            raise DataError(f"expected a file compressed with zstd, got: {error} in {file.name}") from error
    if wanted not in {got, -1}:  # -1: not told
        raise DataError(f"expected {wanted} bytes in {file.name}, got {got}")
    return target


def _require_room(size: int, room: int, folder: Path) -> None:
    """A few bytes may decompress to any number of them."""
    if size > room:
        raise EnvironmentUnfitError(
            f"expected {size} bytes free for {folder}, got {max(room, 0)}",
            remedy="free disk space, or name a folder on another disk: TMPDIR=FOLDER",
        )
