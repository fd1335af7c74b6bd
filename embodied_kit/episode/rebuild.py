"""Rebuild episode.json and metadata.yaml from the data files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import parse_json, pretty_bytes, sha256_file, sha256_hex
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
from embodied_kit.mcap.reader import McapScan
from embodied_kit.model.json import JsonObject

MCAP_TYPE = "application/x-mcap"
YAML_TYPE = "application/yaml"


@dataclass(frozen=True)
class Embedded:
    """What one data file says of its episode.

    Attributes:
        documents: Attachment name -> bytes, of capture.json and closing.json where present.
        messages: Topic -> messages.
        bag_metadata: metadata.yaml as the file carries it; empty where it carries none.
    """

    documents: dict[str, bytes]
    messages: Counter[str]
    bag_metadata: str = ""


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
    parts = [read_embedded(path) for path in data_files]
    there = folder / BAG_METADATA
    metadata = there.read_bytes() if there.exists() else parts[-1].bag_metadata.encode()
    new = {EPISODE_JSON: pretty_bytes(_document(data_files, parts, metadata))}
    if metadata and not there.exists():
        new[BAG_METADATA] = metadata
    for name in sorted(new, reverse=True):  # episode.json vouches for the other, so it comes last
        write_whole(folder / name, new[name])
    return [folder / name for name in sorted(new)]


def _document(data_files: Sequence[Path], parts: Sequence[Embedded], metadata: bytes) -> JsonObject:
    """episode.json of an episode folder, composed from its data files.

    Raises:
        DataError: capture.json or closing.json is not in them.
    """
    capture_bytes = _required(parts[:1], CAPTURE_JSON, data_files[0])
    closing_bytes = _required(parts[-1:], CLOSING_JSON, data_files[-1])
    capture, closing = _parsed(capture_bytes, CAPTURE_JSON), _parsed(closing_bytes, CLOSING_JSON)
    return episode_document(
        capture,
        closing,
        capture_bytes=capture_bytes,
        closing_bytes=closing_bytes,
        messages=sum((part.messages for part in parts), Counter()),
        files=_files(data_files, metadata),
        origin=_origin(capture),
    )


def read_embedded(path: Path) -> Embedded:
    """Read the documents and count the messages of one data file.

    Raises:
        DataError: The file is damaged: an episode document must not vouch for it.
    """
    messages: Counter[str] = Counter()
    with McapScan(path) as scan:
        for batch in scan.batches():
            for channel, part in batch.by_channel().items():
                messages[scan.channels[channel].topic] += len(part)
        info = scan.container()
        if info.readable != "ok" or info.problems:
            raise DataError(
                f"expected a whole data file, got {info.readable} in {path}", remedy="embodied-kit validate it"
            )
        wanted = {a.name: a for a in scan.attachments if a.name in {CAPTURE_JSON, CLOSING_JSON}}
        documents = {name: scan.read_attachment(attachment) for name, attachment in wanted.items()}
        carried = scan.metadata.get("rosbag2", ({},))[-1].get("serialized_metadata", "")
    return Embedded(documents, messages, carried)


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


def _required(parts: Sequence[Embedded], name: str, path: Path) -> bytes:
    for part in parts:
        if name in part.documents:
            return part.documents[name]
    raise DataError(f"expected the attachment {name} in {path}, got none", remedy="it was not recorded by embodied-kit")


def _parsed(data: bytes, name: str) -> JsonObject:
    result = parse_json(data)
    if result.value is None:
        raise DataError(f"expected JSON in the attachment {name}, got {result.problem}: {result.place}")
    return result.value


def _origin(capture: JsonObject) -> Origin:
    return "imported" if "imported_from" in capture else "recorded"
