"""A whole dataset, or one episode folder: its files and documents, the facts of each episode, and what links them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.episode.layout import DATASET_JSON, EPISODES, GOVERNANCE_JSON, TASKS_JSON
from embodied_kit.measure.corpus.rows import corpus_rows
from embodied_kit.measure.declared.documents import Document, document_row, missing_document
from embodied_kit.measure.declared.governance_links import governance_links
from embodied_kit.measure.declared.links import (
    DatasetDocuments,
    EpisodeSummary,
    dataset_links,
    duplicate_links,
    field_links,
)
from embodied_kit.measure.declared.origin_links import calibration_origin_links
from embodied_kit.measure.declared.urdfs import read_urdfs, urdf_path
from embodied_kit.measure.engines.engine import Engine
from embodied_kit.measure.engines.job import EpisodeJob, Shared, measure_episode
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.files import declare_urdf
from embodied_kit.measure.places.folder import Place, entry_coverage
from embodied_kit.measure.places.location import Location
from embodied_kit.measure.places.walk import Entry, make_entry
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.measure.sample import Sample, left_out_coverage, left_out_errors
from embodied_kit.measure.streams.follower import Follower
from embodied_kit.measure.tables.content_links import urdf_links
from embodied_kit.measure.tables.text import FolderText, folder_text
from embodied_kit.model.facts import DATASET_SCOPE, Depth, Facts, Row

_MANDATORY = {"dataset": DATASET_JSON, "governance": GOVERNANCE_JSON, "task": TASKS_JSON}


def measure_whole(
    location: Location,
    depth: Depth,
    cache: Cache,
    progress: MeasureProgress,
    engine: Engine,
    sample: Sample | None = None,
) -> Iterator[Facts]:
    """Facts of every episode, or of a sample of them, then of the dataset."""
    place = Place(location)
    entries = tuple(location.entries())
    own = [entry for entry in entries if not entry.episode]
    documents = [place.document(entry) for entry in own if entry.document]
    known = DatasetDocuments(documents)
    urdfs = read_urdfs(known, place.read)
    digests = _digests(place, urdfs)
    broken = {document.path for document in documents if not document.ok}
    jobs, left_out = _jobs(entries, sample)
    progress.expect(sum(job.data_bytes for job in jobs))
    files: list[Row] = []
    counts: list[Row] = [document_row(document) for document in documents]
    summaries: list[EpisodeSummary] = []
    keys: list[str] = []
    for result in engine.run(Shared(place, known, depth, cache, urdfs), jobs, progress):
        files += result.files
        summaries.append(result.summary)
        keys.append(result.facts.key)
        counts += [_counts_only(row) for row in result.facts.tables["document"]]
        yield result.facts
    declared = [item for doc in known.all("robot") if (item := declare_urdf(doc.path, doc.value)) is not None]
    text = FolderText() if depth == "index" else folder_text(place, own, documents, None, urdfs)
    tables: dict[str, Sequence[Row]] = {
        "file": [*files, *place.file_rows(own, declared, {} if depth == "index" else digests, depth)],
        "document": [*(document_row(document) for document in documents), *_missing(documents)],
        "coverage": [
            *(
                entry_coverage(entry, depth, text.searched, hashed=False, readable=entry.path not in broken)
                for entry in own
            ),
            *left_out_coverage(left_out),
        ],
    }
    together = _after_all_episodes(known, [*_robot_urdfs(known, urdfs, digests)], summaries, counts, depth, left_out)
    if depth != "index":
        tables["text"] = text.rows
    tables |= {**together, "error": left_out_errors(left_out, ["file", *together])}
    yield Facts(DATASET_SCOPE, depth, "dataset", tables, "" if depth == "index" else _dataset_key(tables["file"], keys))


def _after_all_episodes(
    dataset: DatasetDocuments,
    robots: Sequence[Row],
    episodes: Sequence[EpisodeSummary],
    counts: Sequence[Row],
    depth: Depth,
    left_out: Sequence[str],
) -> dict[str, Sequence[Row]]:
    """Tables that need every episode: rows from their summaries, whatever engine measured them.

    Args:
        dataset: Documents outside the episodes.
        robots: Links of the robots' URDFs.
        episodes: In order of their names.
        counts: Rows of the table `document` without the documents.
        depth: How deep the episodes were measured.
        left_out: Names of episodes that are not in the sample; numbers over all episodes are not made of some.
    """
    links = [*dataset_links(dataset, episodes, left_out), *duplicate_links(episodes), *robots]
    if left_out:
        return {"link": links, "corpus": []}
    links += [*field_links(counts), *governance_links(dataset, episodes), *calibration_origin_links(dataset, episodes)]
    return {"link": links, "corpus": corpus_rows(episodes, dataset, depth)}


def measure_episode_folder(
    location: Location,
    name: str,
    depth: Depth,
    cache: Cache,
    progress: MeasureProgress,
    follower: Follower | None = None,
) -> Iterator[Facts]:
    """Facts of one episode folder of that name alone: nothing outside it is looked at."""
    prefix = f"{EPISODES}/{name}/"
    entries = tuple(
        make_entry(prefix + entry.path, entry.size, entry.problem) for entry in location.entries(outside=())
    )
    job = EpisodeJob(name, tuple(entry for entry in entries if entry.episode == name))
    progress.expect(job.data_bytes)
    shared = Shared(Place(location, prefix), None, depth, cache, follower=follower)
    result = measure_episode(shared, job, progress.read)
    progress.unit_done(job.data_files_n, job.data_bytes)
    yield Facts(name, depth, "episode", {**result.facts.tables, "file": result.files}, result.facts.key)


def _jobs(entries: Sequence[Entry], sample: Sample | None) -> tuple[list[EpisodeJob], list[str]]:
    """A job an episode, and the names of those that are not in the sample, both in order of their names."""
    inside: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.episode:
            inside.setdefault(entry.episode, []).append(entry)
    chosen = sample.choose(inside) if sample else inside.keys()
    names = sorted(inside)
    return [EpisodeJob(name, tuple(inside[name])) for name in names if name in chosen], [
        name for name in names if name not in chosen
    ]


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


def _robot_urdfs(
    dataset: DatasetDocuments, urdfs: Mapping[str, bytes | None], digests: Mapping[str, str]
) -> Iterator[Row]:
    for robot in dataset.all("robot"):
        path = urdf_path(robot.path, robot.value)
        yield from urdf_links(robot.value, robot.path, urdfs.get(path), digests.get(path, ""), None)


def _digests(place: Place, urdfs: Mapping[str, bytes | None]) -> dict[str, str]:
    """Path -> digest of URDFs; one that is too large to be kept is hashed where it lies."""
    found = {path: place.hash(path) if data is None else sha256_hex(data) for path, data in urdfs.items()}
    return {path: digest for path, digest in found.items() if digest}
