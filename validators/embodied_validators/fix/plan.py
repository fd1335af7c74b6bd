"""What would be repaired in a dataset, and the writing of it: documents only, never in a sealed or attested dataset."""

from __future__ import annotations

import functools
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from embodied_kit.canonical import MAX_DOCUMENT_BYTES
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layout import ATTESTATION, DATASET_JSON, write_whole
from embodied_kit.errors import DataError, UsageError
from embodied_kit.language import Language
from embodied_kit.measure.places.files import hash_inside
from embodied_kit.measure.places.walk import Entry, list_folder, read_inside
from embodied_kit.spec import load_yaml
from embodied_validators.fix.document import FixDocument, read_exact
from embodied_validators.fix.fixers import FIXERS

_FIXES = Path(__file__).with_name("fixes.yaml")
_MOST_ROUNDS = 4
"""A repair can make another one possible: a document that has lost its byte order mark can be read."""


@dataclass(frozen=True, eq=False)
class Fix:
    """An entry of fixes.yaml.

    Attributes:
        fix_id: Key of its function in FIXERS.
        rules: Rules whose findings it takes away.
        documents: Kinds of document it looks at.
        title, why: In both languages.
    """

    fix_id: str
    rules: tuple[str, ...]
    documents: tuple[str, ...]
    title: Mapping[Language, str]
    why: Mapping[Language, str]


@dataclass(frozen=True)
class FixedDocument:
    """A document before and after its repairs.

    Attributes:
        path: POSIX path in the dataset.
        fixes: What was repaired, in order.
    """

    path: str
    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]


@functools.cache
def fix_catalogue() -> tuple[Fix, ...]:
    """All entries of fixes.yaml."""
    entries = cast("list[dict[str, Any]]", load_yaml(_FIXES.read_bytes()))
    return tuple(
        Fix(item["id"], tuple(item["rules"]), tuple(item["documents"]), item["title"], item["why"]) for item in entries
    )


def plan_fixes(root: Path) -> tuple[FixedDocument, ...]:
    """Documents of a dataset that can be repaired safely, sorted by path; nothing is written.

    Raises:
        UsageError: It is no dataset folder, or one that is sealed or attested.
    """
    _require_changeable(root)
    entries = list(list_folder(root))
    planned = (_planned(root, entry, entries) for entry in entries if entry.document and entry.size is not None)
    return tuple(item for item in planned if item is not None)


def write_fixes(root: Path, planned: Sequence[FixedDocument]) -> None:
    """Write what was planned, each document whole or not at all.

    Raises:
        UsageError: The dataset is sealed or attested, or a document is no longer what the plan was made from.
        EnvironmentUnfitError: A document cannot be written.
    """
    _require_changeable(root)
    for item in planned:
        if read_inside(root, item.path, MAX_DOCUMENT_BYTES) != item.before:
            raise UsageError(f"expected {item.path} as it was when the fixes were planned, got other bytes")
    for item in planned:
        write_whole(root / item.path, item.after)


def _require_changeable(root: Path) -> None:
    dataset = Dataset.open(root)
    if any((root / ATTESTATION).glob("*/*")):
        raise UsageError(
            f"the dataset {root} is attested: its files may not change",
            remedy=f"go on in a new version: embodied-kit dataset new-version {root} NEW_DIR --version X.Y.Z",
        )
    try:
        dataset.require_open()
    except DataError:  # dataset.json cannot be read as it is; it may be one of those to repair
        value = read_exact((read_inside(root, DATASET_JSON, MAX_DOCUMENT_BYTES) or b"").removeprefix(BOM_UTF8))
        if value is None or value.get("state") != "open":
            raise


def _planned(root: Path, entry: Entry, entries: Sequence[Entry]) -> FixedDocument | None:
    before = read_inside(root, entry.path, MAX_DOCUMENT_BYTES)
    if before is None or len(before) > MAX_DOCUMENT_BYTES:
        return None
    document = FixDocument(entry.document, before, _Files(root, entry.path.rpartition("/")[0], entries))
    applied: list[Fix] = []
    for _ in range(_MOST_ROUNDS):
        found = [*_round(document)]
        if not found:
            break
        applied += [fix for fix, _ in found]
        document = FixDocument(entry.document, found[-1][1], document.files)
    if document.data == before:
        return None
    return FixedDocument(entry.path, before, document.data, tuple(dict.fromkeys(applied)))


def _round(document: FixDocument) -> list[tuple[Fix, bytes]]:
    """Each repair that has something to do, with the bytes that it leaves."""
    found: list[tuple[Fix, bytes]] = []
    for fix in fix_catalogue():
        data = FIXERS[fix.fix_id](document) if document.kind in fix.documents else None
        if data is not None:
            found.append((fix, data))
            document = FixDocument(document.kind, data, document.files)
    return found


class _Files(Mapping[str, tuple[int, str]]):
    """Size and digest of the regular files of one folder, hashed only when they are asked for."""

    def __init__(self, root: Path, folder: str, entries: Sequence[Entry]) -> None:
        self._root = root
        self._prefix = f"{folder}/" if folder else ""
        self._sizes = {
            entry.path.removeprefix(self._prefix): entry.size
            for entry in entries
            if entry.size is not None and entry.path.startswith(self._prefix)
        }

    def __getitem__(self, path: str) -> tuple[int, str]:
        digest = hash_inside(self._root, self._prefix + path)
        if path not in self._sizes or digest is None:
            raise KeyError(path)
        return self._sizes[path], digest

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)
