"""One episode as a job: a pure function of what the episodes share and one episode's entries; both can be pickled.

An engine may call `measure_episode` in this process or in another one, in any order; a result depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.episode.layout import EPISODE_JSON, EPISODES
from embodied_kit.measure.corpus.stored import stored_elements
from embodied_kit.measure.corpus.traits import traits_of
from embodied_kit.measure.declared.documents import Document, document_row, missing_document
from embodied_kit.measure.declared.given import NOTHING_GIVEN, dataset_given
from embodied_kit.measure.declared.governance_links import undeclared_pi
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary, episode_document_links
from embodied_kit.measure.declared.origin_links import episode_origin_links
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.measured import Measured
from embodied_kit.measure.places.files import Declared, declared_files, merge_declared
from embodied_kit.measure.places.folder import Place, data_bytes, entry_coverage
from embodied_kit.measure.places.location import DataFile
from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.rows import error_row
from embodied_kit.measure.streams.follower import Follower
from embodied_kit.measure.tables.audio import with_voice
from embodied_kit.measure.tables.coverage import CONTENT_TABLES, UNREAD, coverage_row, unread_data
from embodied_kit.measure.tables.text import FolderText, folder_text
from embodied_kit.measure.text.files import Searched
from embodied_kit.measure.unit import lost_unit, measure_unit
from embodied_kit.model.facts import Depth, Facts, Row

LOST_REASON = "the measuring process ended before it had a result"


@dataclass(frozen=True)
class Shared:
    """What all episodes of one run share; sent to a worker once.

    Attributes:
        place: Where the episodes lie.
        dataset: Documents outside the episodes; None where an episode is measured alone.
        depth: How deep to look.
        cache: Where earlier measurements lie.
        urdfs: Path -> content of the robots' URDFs (see `read_urdfs`).
        follower: Has read the one episode while it was written; None for none. It stays in this process.
    """

    place: Place
    dataset: DatasetDocuments | None
    depth: Depth
    cache: Cache
    urdfs: Mapping[str, bytes | None] = field(default_factory=dict)
    follower: Follower | None = None


@dataclass(frozen=True)
class EpisodeJob:
    """One episode to be measured.

    Attributes:
        name: Name of its folder.
        entries: What lies in it.
    """

    name: str
    entries: tuple[Entry, ...]

    @property
    def data_bytes(self) -> int:
        """Size of its data files."""
        return data_bytes(self.entries)

    @property
    def data_files_n(self) -> int:
        """Data files that may be opened."""
        return sum(entry.kind == "mcap" and entry.size is not None for entry in self.entries)


@dataclass(frozen=True)
class EpisodeResult:
    """What a job gave.

    Attributes:
        facts: Of the episode.
        files: Rows of the table `file`, which are the dataset's.
        summary: What the dataset's own facts need of the episode.
    """

    facts: Facts
    files: tuple[Row, ...]
    summary: EpisodeSummary


def measure_episode(shared: Shared, job: EpisodeJob, progress: Callable[[int], None] | None = None) -> EpisodeResult:
    """Measure one episode.

    Args:
        shared: What all episodes share.
        job: Which one.
        progress: Told the bytes read since the last call.
    """
    document, declared = _documents(shared, job)
    data = _data_files(shared, job, declared)
    given = NOTHING_GIVEN
    if shared.dataset is not None:
        given = dataset_given(shared.dataset, job.name, document.value, shared.urdfs)
    digests = {item.path: item.sha256 for item in declared}
    measured = measure_unit(
        data,
        document,
        episode_id=job.name,
        depth=shared.depth,
        cache=shared.cache,
        progress=progress,
        given=given,
        scan=shared.follower.scan_of(data, digests, shared.depth) if shared.follower else None,
    )
    return _result(shared, job, document, declared, measured)


def lost_episode(shared: Shared, job: EpisodeJob) -> EpisodeResult:
    """The result of a job whose process ended before it had one: everything measured is undetermined.

    Args:
        shared: What all episodes share.
        job: Which one.
    """
    document, declared = _documents(shared, job)
    paths = [item.path for item in _data_files(shared, job, declared)]
    return _result(shared, job, document, declared, lost_unit(paths, job.name, shared.depth, LOST_REASON))


def _documents(shared: Shared, job: EpisodeJob) -> tuple[Document, list[Declared]]:
    """episode.json and the files that it lists."""
    home = f"{EPISODES}/{job.name}"
    found = next((shared.place.document(entry) for entry in job.entries if entry.document == "episode"), None)
    document = found or missing_document(f"{home}/{EPISODE_JSON}", "episode", job.name)
    return document, declared_files(home, job.name, document.value)


def _data_files(shared: Shared, job: EpisodeJob, declared: Sequence[Declared]) -> list[DataFile]:
    place, listed = shared.place, {item.path for item in declared}
    return [
        place.data_file(entry, streams=not listed or entry.path in listed)
        for entry in job.entries
        if entry.kind == "mcap" and entry.size is not None
    ]


def _result(
    shared: Shared, job: EpisodeJob, document: Document, declared: Sequence[Declared], measured: Measured
) -> EpisodeResult:
    place, depth, listed = shared.place, shared.depth, {item.path for item in declared}
    said = (job.name, document.path, document.value, shared.dataset)
    links = [*episode_document_links(*said), *episode_origin_links(*said)]
    links += undeclared_pi(job.name, measured.tables.get("stream", ()), shared.dataset)
    text = FolderText() if depth == "index" else folder_text(place, job.entries, [document], job.name, {})
    tables: dict[str, Sequence[Row]] = {
        **measured.tables,
        "document": [document_row(document), *measured.tables["document"]],
        "link": [*links, *measured.tables["link"]],
        "coverage": [*_coverage(job, depth, document, declared, text.searched), *measured.tables["coverage"]],
        "error": [*measured.tables["error"], *_data_errors(job, declared)],
    }
    if "text" in tables:
        governance = shared.dataset.first("governance") if shared.dataset else {}
        tables["audio"] = with_voice(tables["audio"], governance)
        tables["text"] = [*text.rows, *tables["text"]]
    size = sum(entry.size or 0 for entry in job.entries if entry.path in listed)
    return EpisodeResult(
        Facts(job.name, depth, "dataset" if shared.dataset else "episode", tables, measured.key),
        tuple(place.file_rows(job.entries, declared, measured.sha256, depth)),
        EpisodeSummary(
            job.name,
            document.value,
            measured.messages_n,
            size,
            measured.payload,
            traits_of(measured.tables, document.value, stored_elements(shared.dataset)),
        ),
    )


def _coverage(
    job: EpisodeJob,
    depth: Depth,
    document: Document,
    declared: Sequence[Declared],
    searched: Mapping[str, Searched],
) -> Iterator[Row]:
    """What was done with files that are no data files, and with data files that are listed and not there."""
    listed, present = {item.path for item in declared}, {entry.path for entry in job.entries}
    for entry in job.entries:
        if entry.kind != "mcap" or entry.size is None:
            hashed, readable = depth != "index" and entry.path in listed, entry.path != document.path or document.ok
            yield entry_coverage(entry, depth, searched, hashed=hashed, readable=readable)
    for entry, _ in merge_declared(list(job.entries), list(declared)):
        if entry.kind == "mcap" and entry.path not in present:
            yield coverage_row(entry.path, job.name, opened=False, decoded=False, seen=False, reason=UNREAD)


def _data_errors(job: EpisodeJob, declared: Sequence[Declared]) -> list[Row]:
    """Data files that could not be looked at, and an episode that has none."""
    rows = unread_data([entry for entry, _ in merge_declared(list(job.entries), list(declared))], job.name)
    if not job.data_files_n and not rows:
        home, tables = f"{EPISODES}/{job.name}", ["container", *CONTENT_TABLES]
        rows.append(error_row(home, "scan", tables, "the episode has no data file", episode=job.name))
    return rows
