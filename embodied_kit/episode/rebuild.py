"""Rebuild episode.json and metadata.yaml from the data files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from embodied_kit.canonical import parse_json, pretty_bytes, sha256_file, sha256_hex
from embodied_kit.episode.content import Content, read_content
from embodied_kit.episode.document import EpisodeFile, Origin, episode_document
from embodied_kit.episode.layout import (
    BAG_METADATA,
    CAPTURE_JSON,
    CLOSING_JSON,
    EPISODE_JSON,
    EPISODES,
    data_file,
    write_whole,
)
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject

MCAP_TYPE = "application/x-mcap"
YAML_TYPE = "application/yaml"


def rebuild(path: Path) -> list[Path]:
    """Write each missing episode.json of a dataset or episode folder, and the metadata.yaml that it names.

    Returns:
        The files written.

    Raises:
        UsageError: The folder is neither.
        DataError: The data files do not hold what is needed.
    """
    return [written for folder in _episode_folders(path) for written in _rebuild_folder(folder)]


def _rebuild_folder(folder: Path) -> list[Path]:
    if (folder / EPISODE_JSON).exists():
        return []
    data_files = [child for child in sorted(folder.glob("data_*.mcap")) if not child.is_symlink()]
    if not data_files:
        raise DataError(f"expected {data_file(0)} in {folder}, got none")
    parts = [read_whole(path) for path in data_files]
    there = folder / BAG_METADATA
    metadata = there.read_bytes() if there.exists() else parts[-1].bag_metadata.encode()
    new = {EPISODE_JSON: pretty_bytes(composed(parts, metadata))}
    if metadata and not there.exists():
        new[BAG_METADATA] = metadata
    for name in sorted(new, reverse=True):  # episode.json vouches for the other, so it comes last
        write_whole(folder / name, new[name])
    return [folder / name for name in sorted(new)]


def composed(parts: Sequence[Content], metadata: bytes, origin: Origin | None = None) -> JsonObject:
    """episode.json of an episode folder, composed from its data files.

    Args:
        parts: The data files, in order.
        metadata: metadata.yaml; empty where there is none.
        origin: How the episode came to be; None tells by capture.json.

    Raises:
        DataError: capture.json or closing.json is not in them.
    """
    capture_bytes = _required(parts[:1], CAPTURE_JSON)
    closing_bytes = _required(parts[-1:], CLOSING_JSON)
    capture, closing = parsed(capture_bytes, CAPTURE_JSON), parsed(closing_bytes, CLOSING_JSON)
    return episode_document(
        capture,
        closing,
        capture_bytes=capture_bytes,
        closing_bytes=closing_bytes,
        messages=sum((part.messages for part in parts), Counter()),
        files=_files([part.path for part in parts], metadata),
        origin=origin or ("imported" if "imported_from" in capture else "recorded"),
    )


def read_whole(path: Path) -> Content:
    """What a data file holds.

    Raises:
        DataError: The file is damaged: an episode document must not vouch for it.
    """
    content = read_content(path)
    if content.info.readable != "ok" or content.info.problems:
        raise DataError(
            f"expected a whole data file, got {content.info.readable} in {path}", remedy="embodied-kit validate it"
        )
    return content


def _episode_folders(path: Path) -> list[Path]:
    if (path / EPISODES).is_dir():
        return sorted(child for child in (path / EPISODES).iterdir() if child.is_dir() and not child.is_symlink())
    if any(path.glob("data_*.mcap")):
        return [path]
    raise UsageError(f"expected a dataset or an episode folder, got {path}")


def _files(data_files: Sequence[Path], metadata: bytes) -> list[EpisodeFile]:
    files = [EpisodeFile(path.name, path.stat().st_size, sha256_file(path), MCAP_TYPE) for path in data_files]
    if metadata:
        files.append(EpisodeFile(BAG_METADATA, len(metadata), sha256_hex(metadata), YAML_TYPE))
    return files


def _required(parts: Sequence[Content], name: str) -> bytes:
    for part in parts:
        if name in part.documents:
            return part.documents[name]
    raise DataError(
        f"expected the attachment {name} in {parts[0].path}, got none", remedy="it was not recorded by embodied-kit"
    )


def parsed(data: bytes, name: str) -> JsonObject:
    """The JSON object in an attachment.

    Raises:
        DataError: It is something else.
    """
    result = parse_json(data)
    if result.value is None:
        raise DataError(f"expected JSON in the attachment {name}, got {result.problem}: {result.place}")
    return result.value
