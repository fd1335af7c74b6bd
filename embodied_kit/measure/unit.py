"""One unit of measurement: the data files of an episode, a bare file or a bag; cached by content."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from embodied_kit.errors import UsageError
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.given import NOTHING_GIVEN, Given
from embodied_kit.measure.derived.derive import derive, derived_key, derived_tables, merged
from embodied_kit.measure.derived.derivers import DERIVERS
from embodied_kit.measure.guarded import guarded_tables
from embodied_kit.measure.kept.cache import Cache, Claims, unit_key
from embodied_kit.measure.kept.recording import Recording, recording_of
from embodied_kit.measure.measured import Measured
from embodied_kit.measure.measurers import measured_at
from embodied_kit.measure.places.location import DataFile
from embodied_kit.measure.rows import error_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.scan import EpisodeScan, Progress
from embodied_kit.measure.tables.coverage import coverage_row
from embodied_kit.measure.tables.signature import payload_signature
from embodied_kit.model.facts import Depth, Row


def measure_unit(
    files: Sequence[DataFile],
    document: Document | None,
    *,
    episode_id: str | None,
    depth: Depth,
    cache: Cache,
    progress: Progress | None = None,
    given: Given = NOTHING_GIVEN,
    scan: EpisodeScan | None = None,
) -> Measured:
    """Tables of the data files of one unit, and those derived from them.

    Args:
        files: In order.
        document: episode.json; None where there is none.
        episode_id: None for a bare file or bag.
        depth: How deep to look.
        cache: Where earlier measurements lie.
        progress: Told the bytes read since the last call.
        given: Robots, calibrations and layers of the dataset's folder; the data files are not read again when only
            these have changed.
        scan: One of the first of these files, at this depth, which ends with this call; None for none.
    """
    claims: Claims = {
        "episode": episode_id,
        "document": document.sha256 if document else None,
        "files": [[item.path, item.streams] for item in files],
    }
    states = [item.state() for item in files]  # before they are read
    found = cache.find(files, states, claims, depth) if depth != "index" else None
    if found is not None:
        again = _derived(found, given, episode_id, depth, cache)
        if again is not None:
            return again
    with closing(scan or EpisodeScan(ColumnStore(), depth, progress)) as going:
        for item in files[len(going.files) :]:
            _scan_file(going, item)
        episode = _episode(going, files, document, episode_id)
        measured, whole = _tables(episode, files, claims)
        if not measured.key:
            return measured
        recording = recording_of(episode)
        if whole and all(item.path in measured.sha256 for item in files):
            digests = [measured.sha256[item.path] for item in files]
            cache.keep(measured, recording, states, digests, episode_id or "bare", depth)
        else:
            cache = Cache(None)
        return _derive(measured, recording, given, episode_id, depth, cache)


def _derived(found: Measured, given: Given, episode_id: str | None, depth: Depth, cache: Cache) -> Measured | None:
    """A kept scan with its derived tables; None where they can only be made by scanning again."""
    key = derived_key(found.key, given, DERIVERS)
    tables = cache.find_derived(key)
    if tables is not None:
        return replace(found, tables=merged(found.tables, tables), key=key)
    recording = cache.recording(found.key)
    return None if recording is None else _derive(found, recording, given, episode_id, depth, cache)


def _derive(
    scan: Measured, recording: Recording, given: Given, episode_id: str | None, depth: Depth, cache: Cache
) -> Measured:
    key = derived_key(scan.key, given, DERIVERS)
    tables = derive(recording, given, scan.tables, episode_id=episode_id, depth=depth, derivers=DERIVERS)
    cache.keep_derived(tables, key, episode_id or "bare", depth)
    return replace(scan, tables=merged(scan.tables, tables), key=key)


def lost_unit(paths: Sequence[str], episode_id: str | None, depth: Depth, reason: str) -> Measured:
    """Tables of a unit that could not be measured: an error row that makes all of them undetermined.

    Args:
        paths: Of its data files.
        episode_id: None for a bare file or bag.
        depth: How deep it was to be looked at.
        reason: Why there is nothing.
    """
    tables: dict[str, list[Row]] = {item.name: [] for item in measured_at(depth)}
    tables |= {name: [] for name in derived_tables(depth, DERIVERS)}
    wanted = [name for name in tables if name not in ("coverage", "error")]
    tables["error"] = [error_row(path, "scan", wanted, reason, episode=episode_id) for path in paths or [""]]
    tables["coverage"] = [coverage_row(path, episode_id, opened=False, decoded=False, reason=reason) for path in paths]
    return Measured(tables, {}, None, "", "")


def _scan_file(scan: EpisodeScan, item: DataFile) -> None:
    try:
        scan.add_file(item, item.path, streams=item.streams)
    except UsageError:
        scan.files[-1].error = "the file cannot be opened"


def _episode(
    scan: EpisodeScan, files: Sequence[DataFile], document: Document | None, episode_id: str | None
) -> Episode:
    source = document.path if document else files[0].path if files else ""
    return Episode(episode_id, scan.depth, scan, source, document.value if document else {})


def _tables(episode: Episode, files: Sequence[DataFile], claims: Claims) -> tuple[Measured, bool]:
    """Scan tables, and whether every measurer came through."""
    scan, depth = episode.scan, episode.depth
    tables, whole = guarded_tables(episode, measured_at(depth))
    if depth == "index":
        return Measured(tables, {}, None, "", ""), whole
    digests = {file.path: file.info.sha256 for file in scan.files if file.info and file.info.sha256}
    messages_n = sum(series.n for series in scan.series.values())
    key = unit_key([digests.get(item.path, "") for item in files], claims, depth)
    return Measured(tables, digests, messages_n, payload_signature(episode), key), whole
