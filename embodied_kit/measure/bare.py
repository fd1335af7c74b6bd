"""A bare MCAP file or rosbag2 folder: measured as it is; what only a dataset could know stays unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from embodied_kit.episode.layout import BAG_METADATA
from embodied_kit.episode.paths import path_problem
from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import get_object, get_texts
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.files import Declared, file_row, merge_declared
from embodied_kit.measure.places.location import DataFile, Location
from embodied_kit.measure.places.walk import Entry
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.measure.rows import error_row
from embodied_kit.measure.tables.coverage import CONTENT_TABLES, coverage_row, unread_data
from embodied_kit.measure.unit import measure_unit
from embodied_kit.model.facts import Depth, Facts, Row
from embodied_kit.spec import load_yaml

BARE_SCOPE = "bare"
SQLITE_REASON = "sqlite3 storage: import it first: embodied-kit import rosbag2"
_MAX_METADATA_BYTES = 16 * 2**20
_NUMBERS = re.compile(r"(\d+)")


def measure_bare(
    location: Location, file: Entry | None, depth: Depth, cache: Cache, progress: MeasureProgress
) -> Iterator[Facts]:
    """Facts of one bare file or bag, scope `bare`.

    Args:
        location: The bag's folder, or that of the file.
        file: The file; None for a bag.
        depth: How deep to look.
        cache: Where earlier measurements lie.
        progress: Told how far it is.
    """
    if file is None:
        entries = list(location.entries(outside=(), any_name=True))
    else:
        entries = [file if file.kind == "sqlite" else replace(file, kind="mcap")]
    named = _named_files(location) if file is None else []
    pairs = merge_declared(entries, [Declared(name, "", path_problem(name), "") for name in named])
    data = [DataFile(location, entry.path, entry.path) for entry in _in_order(entries, named)]
    progress.expect(sum(entry.size or 0 for entry in entries if entry.kind == "mcap"))
    measured = measure_unit(data, None, episode_id=None, depth=depth, cache=cache, progress=progress.read)
    progress.unit_done(len(data), sum(entry.size or 0 for entry in entries if entry.kind == "mcap"))
    tables: dict[str, list[Row]] = {name: list(rows) for name, rows in measured.tables.items()}
    tables["file"] = []
    for entry, declared in pairs:
        digest = measured.sha256.get(entry.path)
        if digest is None and depth != "index" and entry.size is not None:
            digest = location.hash(entry.path)
        present = any(item.path == entry.path for item in entries)
        tables["file"].append(file_row(entry, declared, digest, depth=depth, present=present, bare=True))
        if entry.kind == "sqlite" and present:
            tables["error"].append(
                error_row(entry.path, "scan", ["container", *CONTENT_TABLES], SQLITE_REASON, episode=None)
            )
        if present and (entry.kind != "mcap" or entry.size is None):
            tables["coverage"].append(_coverage(entry))
    tables["error"] += unread_data([entry for entry, _ in pairs], None)
    yield Facts(BARE_SCOPE, depth, "bare", tables, measured.key)


def _coverage(entry: Entry) -> Row:
    if entry.kind == "bag_metadata":
        return coverage_row(entry.path, None, opened=True, decoded=True)
    reason = SQLITE_REASON if entry.kind == "sqlite" else "not a data file"
    return coverage_row(entry.path, None, opened=False, decoded=False, reason=reason)


def _named_files(location: Location) -> list[str]:
    """Data files that metadata.yaml names, in order; none where it is not there or cannot be read."""
    data = location.read(BAG_METADATA, _MAX_METADATA_BYTES)
    if data is None or len(data) > _MAX_METADATA_BYTES:
        return []
    try:
        value = load_yaml(data)
    except DataError:
        return []
    information = get_object(value, "rosbag2_bagfile_information") if isinstance(value, dict) else {}
    return list(dict.fromkeys(get_texts(information, "relative_file_paths")))


def _in_order(entries: list[Entry], named: list[str]) -> list[Entry]:
    """Data files that may be opened: in the order of metadata.yaml, then by number in the name."""
    rank = {name: index for index, name in enumerate(named)}
    found = [entry for entry in entries if entry.kind == "mcap" and entry.size is not None]
    return sorted(found, key=lambda entry: (rank.get(entry.path, len(rank)), _natural(entry.path)))


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBERS.split(path)]
