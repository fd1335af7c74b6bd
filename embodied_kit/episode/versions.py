"""A new version of a sealed dataset: the same recordings in a new folder, open again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layout import DATASET_JSON, PRIVATE, write_whole
from embodied_kit.episode.paths import walk_files
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonValue


def new_version(source: Dataset, target: Path, version: str, now_ns: int) -> Dataset:
    """Copy a dataset without its attestations and open the copy.

    Args:
        source: A dataset, sealed or not.
        target: New folder; recordings are linked where the file system allows it, so they take no space twice.
        version: Version of the copy.
        now_ns: ns since the Unix epoch.

    Raises:
        UsageError: The target exists, or the version is that of the source.
        DataError: A file of the source cannot be followed safely.
    """
    document: dict[str, JsonValue] = dict(source.document())
    if target.exists():
        raise UsageError(f"expected a new folder, got {target}, which exists")
    if version == document.get("dataset_version"):
        raise UsageError(f"expected another version than {version}, got the same")
    files = list(walk_files(source.root))
    unsafe = [walked for walked in files if walked.problem != "none"]
    if unsafe:
        raise DataError(f"expected only plain files in {source.root}, got {unsafe[0].path}: {unsafe[0].problem}")
    for walked in files:
        _link_or_copy(source.root / walked.path, target / walked.path)
    (target / PRIVATE).mkdir(exist_ok=True)
    document |= {"state": "open", "dataset_version": version, "last_modified_time": rfc3339(now_ns)}
    document.pop("sealed_time", None)
    (target / DATASET_JSON).unlink()  # a link to the sealed one, which must stay as it is
    write_whole(target / DATASET_JSON, pretty_bytes(document))
    return Dataset(target)


def _link_or_copy(source: Path, target: Path) -> None:
    """Recordings never change, so a link is as good; documents may, so they are copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".mcap":
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)
