"""The manifest: one canonical line a file, grouped in units, under one digest and one Merkle root."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from embodied_kit.canonical import canonical_bytes, parse_line, sha256_hex
from embodied_kit.episode.layout import ANNOTATIONS, EPISODES, ROBOTS
from embodied_kit.episode.paths import open_inside, path_problem, walk_files
from embodied_kit.errors import DataError
from embodied_validators.attest.merkle import inclusion_path, merkle_root, root_of_path

UnitKind = Literal["dataset", "episode", "layer", "robot"]
UnitKey = tuple[UnitKind, str]
Progress = Callable[[int], None]
MAX_LINE_BYTES = 8192
_KIND_OF_FOLDER: dict[str, UnitKind] = {EPISODES: "episode", ANNOTATIONS: "layer", ROBOTS: "robot"}
_BLOCK = 2**20
_SHOWN_PATHS = 5
_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: POSIX path relative to the dataset, size in bytes, SHA-256 in lower-case hex."""

    path: str
    size: int
    sha256: str

    @property
    def line(self) -> bytes:
        """Its manifest line: JCS and LF."""
        return canonical_bytes({"path": self.path, "size": self.size, "sha256": self.sha256}) + b"\n"

    @property
    def unit(self) -> UnitKey:
        """The unit that it belongs to."""
        return unit_of(self.path)


@dataclass(frozen=True, slots=True)
class Unit:
    """What one Merkle leaf stands for: the top-level documents, one robot, one episode or one annotation layer.

    Attributes:
        unit_id: Name of its folder; empty for the dataset's own documents.
        files_n: Number of its files.
        digest: SHA-256 of its manifest lines, 32 bytes.
    """

    kind: UnitKind
    unit_id: str
    files_n: int
    digest: bytes


@dataclass(frozen=True)
class Manifest:
    """Every file of a dataset, sorted by the UTF-8 bytes of its path."""

    entries: tuple[FileEntry, ...]

    @cached_property
    def data(self) -> bytes:
        """The bytes of manifest.jsonl."""
        return b"".join(entry.line for entry in self.entries)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of manifest.jsonl in hex."""
        return sha256_hex(self.data)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The units, ordered by kind and id."""
        hashes: dict[UnitKey, hashlib._Hash] = {}
        counts: dict[UnitKey, int] = {}
        for entry in self.entries:
            hashes.setdefault(entry.unit, hashlib.sha256()).update(entry.line)
            counts[entry.unit] = counts.get(entry.unit, 0) + 1
        return tuple(Unit(*key, counts[key], hashes[key].digest()) for key in sorted(hashes))

    @property
    def root(self) -> str:
        """Merkle root over the units' digests in hex."""
        return merkle_root([unit.digest for unit in self.units]).hex()


@dataclass(frozen=True)
class InclusionProof:
    """Proof that one unit, with exactly these lines, is part of a dataset.

    Attributes:
        lines: The unit's manifest lines.
        index: Place of its leaf.
        size: Number of leaves.
        path: Sibling hashes from the leaf upwards, 32 bytes each.
    """

    lines: bytes
    index: int
    size: int
    path: tuple[bytes, ...]


def unit_of(path: str) -> UnitKey:
    """Unit of a path: `episodes/<id>/...`, `robots/<id>/...`, `annotations/<layer>/...`; all others the dataset's."""
    folder, _, rest = path.partition("/")
    unit_id, slash, _ = rest.partition("/")
    kind = _KIND_OF_FOLDER.get(folder)
    return (kind, unit_id) if kind is not None and slash else ("dataset", "")


def build_manifest(root: Path, *, progress: Progress | None = None) -> Manifest:
    """Read and hash every file of a dataset; no cache is asked.

    Args:
        root: The dataset's folder.
        progress: Called with the number of bytes read since the last call.

    Raises:
        DataError: A path is unsafe, or a file cannot be read; all of them are counted, the first few named.
    """
    walked = list(walk_files(root))
    unsafe = [f"{file.path!r} ({file.problem})" for file in walked if file.problem != "none"]
    if unsafe:
        shown = ", ".join(unsafe[:_SHOWN_PATHS])
        raise DataError(f"expected plain files with safe names, got {len(unsafe)} others: {shown}")
    return Manifest(tuple(_read_entry(root, file.path, progress) for file in walked))


def hash_file(root: Path, path: str, *, limit: int | None = None, progress: Progress | None = None) -> FileEntry:
    """Size and digest of one file, opened safely.

    Args:
        root: The dataset's folder.
        path: POSIX path relative to it.
        limit: Reading stops behind this many bytes, so that a file that grew costs no more than it should have.
        progress: Called with the number of bytes read since the last call.

    Raises:
        UnsafePathError: See `open_inside`.
        OSError: It is missing or cannot be read.
    """
    with open_inside(root, path) as file:
        return FileEntry(path, *hash_stream(file, limit, progress))


def parse_manifest(data: bytes) -> Manifest:
    """Read manifest.jsonl strictly: canonical lines of safe paths, sorted, each path once.

    Raises:
        DataError: Names the first line that is not so.
    """
    if data and not data.endswith(b"\n"):
        raise DataError("expected a manifest that ends with a newline, got a cut line")
    entries = tuple(_parse_line(number, line) for number, line in enumerate(data.split(b"\n")[:-1], start=1))
    for number, (before, after) in enumerate(pairwise(entries), start=2):
        if before.path >= after.path:  # code points order like their UTF-8 bytes
            raise DataError(f"expected manifest lines sorted by path, each once, got {after.path!r} in line {number}")
    return Manifest(entries)


def prove_inclusion(manifest: Manifest, kind: UnitKind, unit_id: str) -> InclusionProof:
    """Proof for one unit of a manifest.

    Raises:
        KeyError: The manifest has no such unit.
    """
    units = manifest.units
    index = {(unit.kind, unit.unit_id): number for number, unit in enumerate(units)}[(kind, unit_id)]
    lines = b"".join(entry.line for entry in manifest.entries if entry.unit == (kind, unit_id))
    return InclusionProof(lines, index, len(units), inclusion_path([unit.digest for unit in units], index))


def check_inclusion(proof: InclusionProof, root: str) -> Manifest:
    """The files of a proven unit: none of them is missing, none is foreign.

    Args:
        proof: The proof, as received.
        root: Merkle root in hex from a verified statement.

    Raises:
        DataError: The proof does not lead to the root, or its lines are not those of one unit.
    """
    unit = parse_manifest(proof.lines)
    if len({entry.unit for entry in unit.entries}) != 1:
        raise DataError("expected the lines of one unit in an inclusion proof")
    digest = hashlib.sha256(proof.lines).digest()
    if root_of_path(digest, proof.index, proof.size, proof.path) != bytes.fromhex(root):
        raise DataError("expected an inclusion proof that leads to the signed root, got another root")
    return unit


def _read_entry(root: Path, path: str, progress: Progress | None) -> FileEntry:
    try:
        return hash_file(root, path, progress=progress)
    except OSError as error:
        raise DataError(f"cannot read {path!r}: {error.strerror}") from error


def hash_stream(file: BinaryIO, limit: int | None = None, progress: Progress | None = None) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex of what is left of a stream; `limit` and `progress` as in `hash_file`."""
    digest, size = hashlib.sha256(), 0
    while (limit is None or size <= limit) and (block := file.read(_BLOCK)):
        digest.update(block)
        size += len(block)
        if progress is not None:
            progress(len(block))
    return size, digest.hexdigest()


def _parse_line(number: int, line: bytes) -> FileEntry:
    value = parse_line(line, max_bytes=MAX_LINE_BYTES, max_depth=1).value or {}
    path, size, sha256 = value.get("path"), value.get("size"), value.get("sha256")
    if not (isinstance(path, str) and type(size) is int and isinstance(sha256, str)):
        raise DataError(f"expected path, size and sha256 in line {number} of the manifest")
    entry = FileEntry(path, size, sha256)
    if size < 0 or not is_digest(sha256) or path_problem(path) != "none" or entry.line != line + b"\n":
        raise DataError(f"expected a safe path, a size, a digest and JCS in line {number} of the manifest")
    return entry


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hex."""
    return len(text) == 64 and _HEX_DIGITS.issuperset(text)


def total_size(entries: Iterable[FileEntry]) -> int:
    """Sum of sizes in bytes."""
    return sum(entry.size for entry in entries)
