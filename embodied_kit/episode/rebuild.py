"""Rebuild episode.json from the data files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import parse_json, pretty_bytes, sha256_file
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
    """

    documents: dict[str, bytes]
    messages: Counter[str]


def rebuild(path: Path) -> list[Path]:
    """Write each missing episode.json of a dataset or episode folder.

    Returns:
        The files written.

    Raises:
        UsageError: The folder is neither.
        DataError: The data files do not hold what is needed.
    """
    folders = _episode_folders(path)
    written = []
    for folder in folders:
        target = folder / EPISODE_JSON
        if not target.exists():
            write_whole(target, pretty_bytes(rebuilt_document(folder)))
            written.append(target)
    return written


def rebuilt_document(folder: Path) -> JsonObject:
    """episode.json of an episode folder, composed from its data files.

    Raises:
        DataError: No data file, or capture.json or closing.json is not in them.
    """
    data_files = sorted(folder.glob("data_*.mcap"))
    if not data_files:
        raise DataError(f"expected {data_file(0)} in {folder}, got none")
    parts = [read_embedded(path) for path in data_files]
    capture_bytes = _required(parts[:1], CAPTURE_JSON, data_files[0])
    closing_bytes = _required(parts[-1:], CLOSING_JSON, data_files[-1])
    capture, closing = _parsed(capture_bytes, CAPTURE_JSON), _parsed(closing_bytes, CLOSING_JSON)
    return episode_document(
        capture,
        closing,
        capture_bytes=capture_bytes,
        closing_bytes=closing_bytes,
        messages=sum((part.messages for part in parts), Counter()),
        files=_files(folder, data_files),
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
    return Embedded(documents, messages)


def _episode_folders(path: Path) -> list[Path]:
    if (path / EPISODES).is_dir():
        return sorted(child for child in (path / EPISODES).iterdir() if child.is_dir() and not child.is_symlink())
    if any(path.glob("data_*.mcap")):
        return [path]
    raise UsageError(f"expected a dataset or an episode folder, got {path}")


def _files(folder: Path, data_files: Sequence[Path]) -> list[EpisodeFile]:
    files = [(path, MCAP_TYPE) for path in data_files]
    if (folder / BAG_METADATA).is_file():
        files.append((folder / BAG_METADATA, YAML_TYPE))
    return [EpisodeFile(path.name, path.stat().st_size, sha256_file(path), media) for path, media in files]


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
