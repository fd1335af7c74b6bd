"""A dataset's files held against its manifest: what was changed, added, removed, renamed, by path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from embodied_kit.canonical import parse_line
from embodied_kit.episode.layout import ANNOTATIONS
from embodied_kit.episode.paths import UnsafePathError, walk_files
from embodied_validators.attest.manifest import FileEntry, Manifest, Progress, UnitKey, hash_file, unit_of
from embodied_validators.attest.reasons import Findings

_FILE_ROW = b'"table":"file"'
_MAX_RENAMED = 10_000


def compare_files(root: Path, manifest: Manifest, findings: Findings, progress: Progress | None = None) -> None:
    """Hash every file of a manifest and look for any other.

    Args:
        root: The dataset's folder.
        manifest: What was signed.
        findings: Receives each difference with its path. A whole new annotation layer is only noted.
        progress: Called with the number of bytes read since the last call.
    """
    missing = {entry.path: entry for entry in manifest.entries}
    extra: list[str] = []
    for file in walk_files(root):
        entry = missing.pop(file.path, None)
        if file.problem != "none":
            findings.add("unsafe_path", file.path, file.problem)
        elif entry is not None:
            _check_file(root, entry, findings, progress)
        elif len(extra) < _MAX_RENAMED:
            extra.append(file.path)
        else:
            findings.add("file_added", file.path)
    _name_the_moved(root, missing.values(), _without_new_layers(extra, manifest, findings), findings)


def facts_differ(lines: Iterable[bytes], manifest: Manifest) -> Iterator[str]:
    """Paths on which facts and manifest disagree: another digest, not hashed, not measured, or not in the dataset.

    Args:
        lines: Lines of facts.jsonl.
        manifest: The files that the facts should speak of.
    """
    missing = {entry.path: entry for entry in manifest.entries}
    for line in lines:
        row = parse_line(line).value if _FILE_ROW in line else None
        if row is None or row.get("table") != "file" or row.get("listing") == "missing":
            continue
        path = str(row.get("path"))
        entry = missing.pop(path, None)
        if entry is None or (row.get("size"), row.get("sha256")) != (entry.size, entry.sha256):
            yield path
    yield from missing


def _check_file(root: Path, entry: FileEntry, findings: Findings, progress: Progress | None) -> None:
    try:
        found = hash_file(root, entry.path, limit=entry.size, progress=progress)
    except UnsafePathError as error:
        findings.add("unsafe_path", entry.path, error.problem)
    except FileNotFoundError:
        findings.add("file_removed", entry.path)
    except OSError as error:
        findings.add("file_unreadable", entry.path, error.strerror or "")
    else:
        if found != entry:
            findings.add("file_changed", entry.path)


def _without_new_layers(extra: list[str], manifest: Manifest, findings: Findings) -> list[str]:
    """The extra files that belong to no whole new annotation layer; each such layer is noted once."""
    attested: set[UnitKey] = {(unit.kind, unit.unit_id) for unit in manifest.units}
    new = sorted({unit_of(path) for path in extra if unit_of(path)[0] == "layer"} - attested)
    for _, layer in new:
        findings.add("layer_unattested", f"{ANNOTATIONS}/{layer}")
    return [path for path in extra if unit_of(path) not in new]


def _name_the_moved(root: Path, missing: Iterable[FileEntry], extra: list[str], findings: Findings) -> None:
    """A missing and an extra file of the same digest are one renamed file."""
    by_content: dict[tuple[int, str], list[str]] = defaultdict(list)
    for entry in missing:
        by_content[(entry.size, entry.sha256)].append(entry.path)
    largest = max((size for size, _ in by_content), default=-1)
    for path in extra:
        old = by_content.get(_content(root, path, largest))
        if old:
            findings.add("file_renamed", old.pop(0), path)
        else:
            findings.add("file_added", path)
    for paths in by_content.values():
        for path in paths:
            findings.add("file_removed", path)


def _content(root: Path, path: str, limit: int) -> tuple[int, str]:
    """Size and digest of an extra file; one that is larger than any missing file, or unreadable, matches none."""
    if limit < 0:
        return (-1, "")
    try:
        found = hash_file(root, path, limit=limit)
    except (OSError, UnsafePathError):
        return (-1, "")
    return (found.size, found.sha256)
