"""Text files beside documents: which are searched, how much of each, and in which encoding."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import NamedTuple

from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.text.log import TOO_MUCH, TextLog, TextPlace

MAX_FILE_BYTES = 4 * 2**20
NO_TEXT = "the file is no text"
_UNREADABLE = "the file cannot be read"
_SUFFIXES = (".md", ".txt")
_ENCODINGS = ("utf-8-sig", "gb18030")  # the first under which every byte has a meaning


class Searched(NamedTuple):
    """What became of a text file.

    Attributes:
        opened: Whether it was read.
        reason: Why it was not searched whole; empty where it was.
    """

    opened: bool
    reason: str = ""


def is_text_file(entry: Entry) -> bool:
    """Whether a file is there for people to read, or tells of a bag: README, *.md, *.txt, metadata.yaml."""
    name = PurePosixPath(entry.path).name.lower()
    return _is_named_text(entry) or (entry.kind == "other" and name.startswith("readme"))


def search_file(entry: Entry, read: Callable[[str, int], bytes | None], log: TextLog) -> Searched:
    """Search the first bytes of a text file; what is left out is noted in the log, too.

    Args:
        entry: A file that may be opened.
        read: Up to so many bytes and one of a file; None where it cannot be read.
        log: Of the unit.
    """
    if log.overflowed:
        return Searched(False, TOO_MUCH)
    data = read(entry.path, MAX_FILE_BYTES)
    if data is None:
        return Searched(False, _UNREADABLE)
    text = decoded(data[:MAX_FILE_BYTES])
    if text is None:
        return Searched(True, NO_TEXT)
    log.add(TextPlace("text_file", entry.path), text)
    log.overflowed |= len(data) > MAX_FILE_BYTES
    return Searched(True, TOO_MUCH if log.overflowed else "")


def leaves_open(entry: Entry, found: Searched) -> bool:
    """Whether text that was not searched may hold something; what is only called README may be a picture."""
    return bool(found.reason) and (found.reason != NO_TEXT or _is_named_text(entry))


def decoded(data: bytes) -> str | None:
    """Text of bytes that may end inside a letter: UTF-16 with its mark, UTF-8 or GB 18030; None for no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")("replace").decode(data)
    if b"\0" in data:
        return None
    texts = (_strictly(data, encoding) for encoding in _ENCODINGS)
    return next((text for text in texts if text is not None), data.decode("utf-8", "replace"))


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None


def _is_named_text(entry: Entry) -> bool:
    suffix = PurePosixPath(entry.path).suffix.lower()
    return entry.kind == "bag_metadata" or (entry.kind == "other" and suffix in _SUFFIXES)
