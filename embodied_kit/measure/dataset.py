"""A whole dataset, or one episode folder: its files and documents, the facts of each episode, and what links them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import MAX_DOCUMENT_BYTES, canonical_bytes, sha256_hex
from embodied_kit.episode.layout import DATASET_JSON, EPISODE_JSON, EPISODES, GOVERNANCE_JSON, TASKS_JSON
from embodied_kit.measure.cache import Cache
from embodied_kit.measure.documents import Document, document_row, missing_document, read_document
from embodied_kit.measure.files import Declared, declare_urdf, declared_files, file_row, hash_inside, merge_declared
from embodied_kit.measure.jsonget import get_text
from embodied_kit.measure.links import (
    DatasetDocuments,
    EpisodeSummary,
    dataset_links,
    duplicate_links,
    episode_document_links,
    field_links,
)
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.measure.rows import NEEDS_SIGNAL, error_row
from embodied_kit.measure.tables.content_links import urdf_links
from embodied_kit.measure.tables.coverage import CONTENT_TABLES, coverage_row, unread_data
from embodied_kit.measure.unit import DataFile, measure_unit
from embodied_kit.measure.urdf import MAX_URDF_BYTES
from embodied_kit.measure.walk import Entry, list_folder, make_entry, read_inside
from embodied_kit.model.facts import DATASET_SCOPE, Depth, Facts, Row

_MANDATORY = {"dataset": DATASET_JSON, "governance": GOVERNANCE_JSON, "task": TASKS_JSON}
_UNOPENED = "not part of the layout"


@dataclass(frozen=True)
class _Folder:
    """Entries below one folder, under the paths that facts give them.

    Attributes:
        root: Where it lies.
        prefix: What facts put before the paths relative to `root`.
    """

    root: Path
    prefix: str
    entries: tuple[Entry, ...]

    def relative(self, path: str) -> str:
        return path.removeprefix(self.prefix)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        return read_inside(self.root, self.relative(path), max_bytes)

    def document(self, entry: Entry) -> Document:
        data = self.read(entry.path, MAX_DOCUMENT_BYTES) if entry.size is not None else None
        return read_document(entry.path, entry.document, entry.episode, data)


@dataclass(frozen=True)
class _EpisodeResult:
    facts: Facts
    files: tuple[Row, ...]
    summary: EpisodeSummary


def measure_whole(root: Path, depth: Depth, cache: Cache, progress: MeasureProgress) -> Iterator[Facts]:
    """Facts of every episode, then of the dataset."""
    folder = _Folder(root, "", tuple(list_folder(root)))
    documents = [folder.document(entry) for entry in folder.entries if entry.document and not entry.episode]
    known = DatasetDocuments(documents)
    progress.expect(sum(entry.size or 0 for entry in folder.entries if entry.kind == "mcap"))
    files: list[Row] = []
    document_rows = [document_row(document) for document in documents]
    counts: list[Row] = [*document_rows]
    summaries: list[EpisodeSummary] = []
    keys: list[str] = []
    for name in sorted({entry.episode for entry in folder.entries if entry.episode}):
        result = _measure_episode(folder, name, known, depth, cache, progress)
        files += result.files
        summaries.append(result.summary)
        keys.append(result.facts.key)
        counts += [_counts_only(row) for row in result.facts.tables["document"]]
        yield result.facts
    own = [entry for entry in folder.entries if not entry.episode]
    declared = [item for doc in known.all("robot") if (item := declare_urdf(doc.path, doc.value)) is not None]
    links = [*dataset_links(known, summaries), *duplicate_links(summaries), *field_links(counts)]
    links += _robot_urdfs(folder, known)
    tables: dict[str, Sequence[Row]] = {
        "file": [*files, *_file_rows(folder, own, declared, {}, depth)],
        "document": [*document_rows, *_missing(documents)],
        "link": links,
        "coverage": [_coverage(entry, hashed=False) for entry in own],
        "error": [],
    }
    yield Facts(DATASET_SCOPE, depth, "dataset", tables, "" if depth == "index" else _dataset_key(tables["file"], keys))


def measure_episode_folder(path: Path, depth: Depth, cache: Cache, progress: MeasureProgress) -> Iterator[Facts]:
    """Facts of one episode folder alone: nothing outside it is looked at."""
    name = path.resolve().name
    prefix = f"{EPISODES}/{name}/"
    entries = tuple(
        make_entry(prefix + entry.path, entry.size, entry.problem) for entry in list_folder(path, outside=())
    )
    progress.expect(sum(entry.size or 0 for entry in entries if entry.kind == "mcap"))
    result = _measure_episode(_Folder(path, prefix, entries), name, None, depth, cache, progress)
    tables = {**result.facts.tables, "file": result.files}
    yield Facts(name, depth, "episode", tables, result.facts.key)


def _measure_episode(
    folder: _Folder,
    name: str,
    dataset: DatasetDocuments | None,
    depth: Depth,
    cache: Cache,
    progress: MeasureProgress,
) -> _EpisodeResult:
    home = f"{EPISODES}/{name}"
    entries = [entry for entry in folder.entries if entry.episode == name]
    document = next((folder.document(entry) for entry in entries if entry.document == "episode"), None)
    document = document or missing_document(f"{home}/{EPISODE_JSON}", "episode", name)
    declared = declared_files(home, name, document.value)
    listed = {item.path for item in declared}
    data = [
        DataFile(folder.root / folder.relative(entry.path), entry.path, not listed or entry.path in listed)
        for entry in entries
        if entry.kind == "mcap" and entry.size is not None
    ]
    measured = measure_unit(data, document, episode_id=name, depth=depth, cache=cache, progress=progress.read)
    progress.file_done(len(data))
    links = episode_document_links(name, document.path, document.value, dataset)
    tables: dict[str, Sequence[Row]] = {
        **measured.tables,
        "document": [document_row(document), *measured.tables["document"]],
        "link": [*links, *measured.tables["link"]],
        "coverage": [
            *(
                _coverage(entry, hashed=depth != "index" and entry.path in listed)
                for entry in entries
                if entry.kind != "mcap" or entry.size is None
            ),
            *measured.tables["coverage"],
        ],
        "error": [*measured.tables["error"], *_data_errors(entries, declared, name, any_data=bool(data))],
    }
    size = sum(entry.size or 0 for entry in entries if entry.path in listed)
    return _EpisodeResult(
        Facts(name, depth, "dataset" if dataset else "episode", tables, measured.key),
        tuple(_file_rows(folder, entries, declared, measured.sha256, depth)),
        EpisodeSummary(name, document.value, measured.messages_n, size, measured.payload),
    )


def _data_errors(entries: Sequence[Entry], declared: list[Declared], name: str, *, any_data: bool) -> list[Row]:
    """Data files that could not be looked at, and an episode that has none."""
    rows = unread_data([entry for entry, _ in merge_declared(list(entries), declared)], name)
    if not any_data and not rows:
        home = f"{EPISODES}/{name}"
        rows.append(
            error_row(home, "scan", ["container", *CONTENT_TABLES], "the episode has no data file", episode=name)
        )
    return rows


def _file_rows(
    folder: _Folder, entries: Sequence[Entry], declared: list[Declared], known: Mapping[str, str], depth: Depth
) -> Iterator[Row]:
    present = {entry.path for entry in entries}
    for entry, claim in merge_declared(list(entries), declared):
        digest = known.get(entry.path)
        if digest is None and depth != "index" and entry.size is not None:
            digest = hash_inside(folder.root, folder.relative(entry.path))
        yield file_row(entry, claim, digest, depth=depth, present=entry.path in present)


def _dataset_key(files: Sequence[Row], keys: Sequence[str]) -> str:
    """SHA-256 over the keys of the episodes and the digests of all files."""
    digests = {str(row["path"]): row["sha256"] for row in files}
    return sha256_hex(canonical_bytes({"episodes": list(keys), "files": digests}))


def _missing(documents: Sequence[Document]) -> list[Row]:
    kinds = {document.kind for document in documents}
    return [document_row(missing_document(path, kind, "")) for kind, path in _MANDATORY.items() if kind not in kinds]


def _counts_only(row: Row) -> Row:
    """A document's row without the document, which may be large."""
    return {name: value for name, value in row.items() if name != "value"}


def _robot_urdfs(folder: _Folder, dataset: DatasetDocuments) -> Iterator[Row]:
    for robot in dataset.all("robot"):
        uri = get_text(robot.value, "urdf_uri")
        path = f"{robot.path.rpartition('/')[0]}/{uri}"
        data = folder.read(path, MAX_URDF_BYTES) if uri else None
        digest = hash_inside(folder.root, path) if uri else None
        whole = data if data is not None and len(data) <= MAX_URDF_BYTES else None
        yield from urdf_links(robot.value, robot.path, whole, digest or "", None)


def _coverage(entry: Entry, *, hashed: bool) -> Row:
    """What was done with a file that is no data file; `hashed` where its digest is held against a list."""
    if entry.size is None:
        return coverage_row(entry.path, entry.episode or None, opened=False, decoded=False, reason="not a regular file")
    if entry.document or entry.kind == "urdf":
        return coverage_row(entry.path, entry.episode or None, opened=True, decoded=True)
    if hashed:
        return coverage_row(entry.path, entry.episode or None, opened=True, decoded=False)  # its digest is compared
    reason = NEEDS_SIGNAL if entry.kind == "bag_metadata" else _UNOPENED
    return coverage_row(entry.path, entry.episode or None, opened=False, decoded=False, reason=reason)
