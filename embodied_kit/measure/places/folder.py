"""Entries of one folder under the paths that facts give them: read, hashed and described without leaving it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.canonical import MAX_DOCUMENT_BYTES
from embodied_kit.measure.declared.documents import Document, read_document
from embodied_kit.measure.places.files import Declared, file_row, merge_declared
from embodied_kit.measure.places.location import DataFile, Location
from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.rows import NEEDS_SIGNAL
from embodied_kit.measure.tables.coverage import coverage_row
from embodied_kit.measure.text.files import Searched, is_text_file
from embodied_kit.model.facts import Depth, Row

_UNOPENED = "not part of the layout"
_UNREADABLE = "the document cannot be read"


@dataclass(frozen=True)
class Place:
    """A folder and what facts put before the paths inside it.

    Attributes:
        location: The folder.
        prefix: Before the paths relative to it; empty for a dataset's own folder.
    """

    location: Location
    prefix: str = ""

    def relative(self, path: str) -> str:
        """The path inside the folder."""
        return path.removeprefix(self.prefix)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Up to `max_bytes` + 1 bytes; None where it is no file that can be read."""
        return self.location.read(self.relative(path), max_bytes)

    def hash(self, path: str) -> str | None:
        """SHA-256 in hex; None where it is no file that can be read."""
        return self.location.hash(self.relative(path))

    def data_file(self, entry: Entry, *, streams: bool) -> DataFile:
        """A data file that lies here."""
        return DataFile(self.location, self.relative(entry.path), entry.path, streams)

    def document(self, entry: Entry) -> Document:
        """A document that lies here."""
        data = self.read(entry.path, MAX_DOCUMENT_BYTES) if entry.size is not None else None
        return read_document(entry.path, entry.document, entry.episode, data)

    def file_rows(
        self, entries: Sequence[Entry], declared: Sequence[Declared], known: Mapping[str, str], depth: Depth
    ) -> Iterator[Row]:
        """Rows of the table `file`.

        Args:
            entries: What lies here.
            declared: What documents list.
            known: Path -> digest of files that were read already.
            depth: At depth `index` nothing is hashed.
        """
        present = {entry.path for entry in entries}
        for entry, claim in merge_declared(list(entries), list(declared)):
            digest = known.get(entry.path)
            if digest is None and depth != "index" and entry.size is not None:
                digest = self.hash(entry.path)
            yield file_row(entry, claim, digest, depth=depth, present=entry.path in present)


def data_bytes(entries: Sequence[Entry]) -> int:
    """Size of all data files."""
    return sum(entry.size or 0 for entry in entries if entry.kind == "mcap")


def entry_coverage(
    entry: Entry, depth: Depth, searched: Mapping[str, Searched], *, hashed: bool, readable: bool = True
) -> Row:
    """What was done with a file that is no data file.

    Args:
        entry: The file.
        depth: How deep is looked.
        searched: Path -> what became of each text file.
        hashed: Whether its digest is held against a list.
        readable: Of a document, whether it could be read.
    """
    episode = entry.episode or None
    if entry.size is None:
        return coverage_row(entry.path, episode, opened=False, decoded=False, reason="not a regular file")
    if entry.document or entry.kind == "urdf":
        reason = "" if readable else _UNREADABLE
        return coverage_row(entry.path, episode, opened=True, decoded=readable, reason=reason)
    found = searched.get(entry.path)
    if found is not None:
        opened, decoded = found.opened or hashed, not found.reason
        return coverage_row(entry.path, episode, opened=opened, decoded=decoded, reason=found.reason)
    if hashed:
        return coverage_row(entry.path, episode, opened=True, decoded=False)  # its digest is compared
    reason = NEEDS_SIGNAL if depth == "index" and is_text_file(entry) else _UNOPENED
    return coverage_row(entry.path, episode, opened=False, decoded=False, reason=reason)
