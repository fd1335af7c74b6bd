"""Table `text`: personal information in whatever text a unit holds (rules PR-09, PR-10); never the text itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.urdfs import urdf_content
from embodied_kit.measure.places.folder import Place
from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.text.files import Searched, is_text_file, leaves_open, search_file
from embodied_kit.measure.text.log import TextLog, TextPlace
from embodied_kit.model.facts import Row

POSITION_TYPES = ("sensor_msgs/NavSatFix", "geographic_msgs/GeoPoint", "geographic_msgs/GeoPoseStamped")
_NOT_DECODED = "some messages could not be decoded"
_NOT_READ = "some documents could not be read"


def text_rows(episode: Episode) -> list[Row]:
    """Rows of one episode's data files: their messages, names, metadata and what they embed."""
    log, undecoded = episode.scan.texts, False
    for document in episode.embedded:
        log.add_document(f"{document.embedded_in}#{document.path}", document.value)
    for file in episode.scan.files:
        for item in file.embedded:
            if item.data is not None and item.name.endswith(".urdf"):
                log.add(TextPlace("urdf", f"{file.path}#{item.name}"), item.data.decode("utf-8", "replace"))
    for series in episode.scan.series.values():
        undecoded |= series.unsupported_n + series.failed_n > 0
        if series.short_type in POSITION_TYPES and series.n:
            log.count(TextPlace("message", stream=series.topic), {"location": series.n})
    unread = any(not document.ok for document in episode.embedded)
    why = _NOT_DECODED if undecoded else _NOT_READ if unread else ""
    return log.rows("recordings", episode.episode_id, why)


@dataclass(frozen=True)
class FolderText:
    """What the search of a folder gave.

    Attributes:
        rows: Of documents, URDFs, text files and names of files.
        searched: Path -> what became of each text file.
    """

    rows: list[Row] = field(default_factory=list)
    searched: Mapping[str, Searched] = field(default_factory=dict)


def folder_text(
    place: Place,
    entries: Iterable[Entry],
    documents: Iterable[Document],
    episode: str | None,
    urdfs: Mapping[str, bytes | None],
) -> FolderText:
    """Search documents, URDFs, text files and names of files outside data files.

    Args:
        place: Where they lie.
        entries: Files whose names are searched; URDFs and text files are read.
        documents: Documents that were read.
        episode: Episode that they belong to; None for the dataset.
        urdfs: Path -> content of URDFs that were read already.
    """
    log, unread, searched = TextLog(), False, {}
    for entry in entries:
        log.add(TextPlace("file_path", entry.path), entry.path)
        if entry.kind == "urdf":
            data = urdfs.get(entry.path)
            if data is None and entry.size is not None and entry.path not in urdfs:
                data = urdf_content(entry.path, place.read)
            unread |= data is None
            log.add(TextPlace("urdf", entry.path), (data or b"").decode("utf-8", "replace"))
        elif is_text_file(entry) and entry.size is not None:
            searched[entry.path] = found = search_file(entry, place.read, log)
            unread |= leaves_open(entry, found)
    for document in documents:
        log.add_document(document.path, document.value)
        unread |= not document.ok
    return FolderText(log.rows("documents", episode, _NOT_READ if unread else ""), searched)
