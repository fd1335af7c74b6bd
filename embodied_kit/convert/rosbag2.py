"""rosbag2 bags: a folder with or without metadata.yaml, or one data file; MCAP and sqlite3 storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from embodied_kit.convert.base import ForeignRecording
from embodied_kit.convert.rosbag2_mcap import McapBag
from embodied_kit.convert.rosbag2_sqlite import SqliteBag
from embodied_kit.convert.rosbag2_zstd import SUFFIX, MessagesInZstd, unpacked
from embodied_kit.episode.paths import path_problem
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import load_yaml

METADATA = "metadata.yaml"
_ROOT = "rosbag2_bagfile_information"
_VERSIONS = tuple(str(number) for number in range(1, 10))
_MAX_METADATA_BYTES = 16 * 2**20
_COMPRESSIONS = frozenset({"none", "file", "message", "storage"})
STORAGES: Final[Mapping[str, Callable[[str, Sequence[Path], str], ForeignRecording]]] = MappingProxyType(
    {".mcap": McapBag, ".db3": SqliteBag}
)


def open_bag(path: Path) -> ForeignRecording:
    """The bag at a path.

    Raises:
        UsageError: Nothing is there, or the folder holds several bags.
        DataError: It is no bag that can be read: the sentence says why.
    """
    if not path.exists():
        raise UsageError(f"expected a rosbag2 folder or data file, got {path}, which does not exist")
    information = _information(path / METADATA) if (path / METADATA).is_file() else {}
    files = _data_files(path, information)
    suffixes = {_storage_suffix(file) for file in files}
    if len(suffixes) != 1:
        raise UsageError(
            f"expected data files of one bag in {path}, got {', '.join(sorted(suffixes))}",
            remedy="name one of the files",
        )
    storage = STORAGES.get(suffixes.pop())
    if storage is None:
        raise DataError(f"expected {' or '.join(STORAGES)} files, got {files[0].name}")

    def opened(plain: Sequence[Path]) -> ForeignRecording:
        return storage(f"rosbag2:{path.stem}", plain, str(information.get("ros_distro") or ""))

    bag = unpacked(files, opened) if any(file.suffix == SUFFIX for file in files) else opened(files)
    return MessagesInZstd(bag) if _compression(information) == "message" else bag


def _information(path: Path) -> JsonObject:
    """Content of metadata.yaml that this version can carry.

    Raises:
        DataError: It is not strict YAML, of an unknown version, or the bag is compressed in another way.
    """
    with path.open("rb") as file:
        data = file.read(_MAX_METADATA_BYTES + 1)
    try:
        document = load_yaml(data, max_bytes=_MAX_METADATA_BYTES, integers_as_text=True)
    except DataError as error:
        raise DataError(f"{error.message}, in {METADATA}", remedy="name the data file itself") from error
    information = document.get(_ROOT) if isinstance(document, Mapping) else None
    if not isinstance(information, Mapping):
        raise DataError(f"expected {_ROOT} in {METADATA}, got something else")
    version = information.get("version")
    if version not in _VERSIONS:
        raise DataError(f"expected metadata version {_VERSIONS[0]} to {_VERSIONS[-1]}, got {version!r}")
    mode, form = _compression(information), str(information.get("compression_format") or "zstd")
    if mode not in _COMPRESSIONS or (mode in {"file", "message"} and form != "zstd"):
        raise DataError(
            f"expected no compression, or files or messages in zstd, got compression_mode {mode!r} in {form}",
            remedy="decompress it first: ros2 bag convert",
        )
    for topic in _mappings(information.get("topics_with_message_count")):
        described = topic.get("topic_metadata")
        serialization = described.get("serialization_format") if isinstance(described, Mapping) else None
        if serialization not in {None, "cdr"}:
            raise DataError(f"expected cdr messages, got serialization_format {serialization!r} in {METADATA}")
    return information


def _compression(information: JsonObject) -> str:
    """How the bag itself is compressed, by metadata.yaml; `storage` is what MCAP does within."""
    return str(information.get("compression_mode") or "none").lower()


def _storage_suffix(file: Path) -> str:
    return Path(file.stem).suffix if file.suffix == SUFFIX else file.suffix


def _data_files(path: Path, information: JsonObject) -> list[Path]:
    """Data files in order: those that metadata.yaml names, else those that lie in the folder."""
    if path.is_file():
        return [path]
    named = [_inside(path, name) for name in _strings(information.get("relative_file_paths"))]
    if len(set(named)) != len(named):
        raise DataError(f"expected each file once in {METADATA}, got one twice")
    missing = [file.name for file in named if not file.is_file()]
    if missing:
        raise DataError(f"expected the files that {METADATA} names, got no {', '.join(missing)}")
    lying = (child for child in path.iterdir() if _storage_suffix(child) in STORAGES)
    found = named or sorted(child for child in lying if child.is_file() and not child.is_symlink())
    if not found:
        raise DataError(f"expected {' or '.join(STORAGES)} files, got none in {path.name}")
    return found


def _inside(folder: Path, name: str) -> Path:
    """A data file by name; older bags wrote the folder's name in front of it."""
    path = folder / Path(name).name
    if path_problem(name) not in {"none", "not_nfc"} or path.is_symlink():
        raise DataError(f"expected a plain file inside the bag, got {name!r} in {METADATA}")
    return path


def _mappings(value: JsonValue) -> list[JsonObject]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [item for item in items if isinstance(item, Mapping)]


def _strings(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
