"""Measurements kept by content: the key is over the files' digests, the depth, the standard and the measurers.

What was measured once is not measured again, unless a byte, the depth, a schema or a measurer changed. The digest of a
file may be taken from an index of (device, inode, size, mtime, ctime) where the caller allows it; otherwise a file
whose measurement is kept is hashed again before it is believed. The cache lies with the user, never in the dataset:
a dataset that somebody else made must not bring its own measurements along.

Of a unit lie there, each under its own key: the tables of its scan, its tracks, and its derived tables.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import embodied_kit
from embodied_kit.canonical import canonical_bytes, parse_json, sha256_file
from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import get_number, get_object, get_text
from embodied_kit.measure.derived.tracks import TRACKS_VERSION
from embodied_kit.measure.kept.eviction import used
from embodied_kit.measure.kept.lines import facts_lines, read_facts
from embodied_kit.measure.kept.recording import Recording, read_recording, write_recording
from embodied_kit.measure.measured import Measured, Tables
from embodied_kit.measure.measurers import MEASURERS
from embodied_kit.measure.places.location import DataFile
from embodied_kit.model.facts import Depth, Facts
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import standard

Claims = JsonObject
_DECODERS = ("simplejpeg", "numpy", "pillow", "av", "open3d", "open3d-cpu")
_DIGEST_LETTERS = 64
_TRACKS_SUFFIX = ".parquet"


def default_cache() -> Path:
    """Folder of this user's measurements."""
    import platformdirs  # noqa: PLC0415 - only callers that cache need it

    return Path(platformdirs.user_cache_dir("embodied-kit")) / "measure"


def unit_key(digests: Sequence[str], claims: Claims, depth: Depth) -> str:
    """Content key of a measurement, sha256 hex.

    Args:
        digests: SHA-256 of the data files, in order.
        claims: Whatever else the rows depend on: names and the digest of episode.json.
        depth: How deep it looked.
    """
    parts: JsonObject = {
        "files": list(digests),
        "claims": claims,
        "depth": depth,
        "standard": standard().digest(),
        "measurers": {item.name: item.version for item in MEASURERS},
        "tool": embodied_kit.__version__,
        "tracks": TRACKS_VERSION,
        "decoders": {name: _version(name) for name in _DECODERS},
    }
    return hashlib.sha256(canonical_bytes(parts)).hexdigest()


def _version(name: str) -> str:
    """Version of a package; empty for one that is not installed, an extra."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


class Cache:
    """Measurements in a folder.

    Args:
        folder: None keeps and finds nothing.
        trust_index: Whether an unchanged inode, size, mtime and ctime stand for unchanged bytes.
    """

    def __init__(self, folder: Path | None, *, trust_index: bool = False) -> None:
        self._folder = folder
        self._trust_index = trust_index

    def find(self, files: Sequence[DataFile], states: Sequence[str], claims: Claims, depth: Depth) -> Measured | None:
        """An earlier measurement of the same bytes; None where there is none.

        Args:
            files: The data files, in order.
            states: Of each, as it was before.
            claims: As `unit_key` takes them.
            depth: Likewise.
        """
        if self._folder is None or not files:
            return None
        digests = [self._indexed(state) for state in states]
        if not all(digests) or not self._entry(unit_key(digests, claims, depth)).is_file():
            return None
        if not self._trust_index:
            digests = [file.sha256() for file in files]
        entry = self._entry(unit_key(digests, claims, depth))
        for path in (entry, entry.with_suffix(_TRACKS_SUFFIX), *map(self._index, states)):
            used(path)
        return _read(entry)

    def keep(
        self,
        measured: Measured,
        recording: Recording,
        states: Sequence[str],
        digests: Sequence[str],
        scope: str,
        depth: Depth,
    ) -> None:
        """Keep the measurement of a scan; where the folder cannot be written, nothing is kept."""
        if self._folder is None:
            return
        try:
            tracks_sha256 = self._keep_tracks(recording, self._tracks(measured.key))
            head = {"sha256": measured.sha256, "messages_n": measured.messages_n, "payload": measured.payload}
            head |= {"tracks_sha256": tracks_sha256}
            facts = Facts(scope, depth, "episode", measured.tables, measured.key)
            _write(self._entry(measured.key), [canonical_bytes(head) + b"\n", *facts_lines([facts])])
            for state, digest in zip(states, digests, strict=True):
                if state:
                    _write(self._index(state), [digest.encode()])
        except OSError:
            return

    def recording(self, key: str) -> Recording | None:
        """Tracks and documents of a kept scan; None where they are not there or not whole."""
        if self._folder is None:
            return None
        try:
            with self._entry(key).open("rb") as entry:
                head = parse_json(entry.readline()).value or {}
            if sha256_file(self._tracks(key)) != get_text(head, "tracks_sha256"):
                return None
            return read_recording(self._tracks(key))
        except OSError:
            return None

    def find_derived(self, key: str) -> Tables | None:
        """Derived tables of an earlier measurement; None where there are none."""
        if self._folder is None:
            return None
        try:
            used(self._derived(key))
            facts = read_facts(self._derived(key).read_bytes().splitlines(keepends=True))
        except (OSError, DataError):
            return None
        return facts[0].tables if len(facts) == 1 and facts[0].key == key else None

    def keep_derived(self, tables: Tables, key: str, scope: str, depth: Depth) -> None:
        """Keep derived tables; where the folder cannot be written, nothing is kept."""
        if self._folder is None:
            return
        try:
            _write(self._derived(key), [*facts_lines([Facts(scope, depth, "episode", tables, key)])])
        except OSError:
            return

    @staticmethod
    def _keep_tracks(recording: Recording, path: Path) -> str:
        """Digest of the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.{id(recording):x}.partial")
        write_recording(recording, partial)
        digest = sha256_file(partial)
        partial.replace(path)
        return digest

    def _tracks(self, key: str) -> Path:
        return self._entry(key).with_suffix(_TRACKS_SUFFIX)

    def _derived(self, key: str) -> Path:
        return self._entry(key).with_suffix(".derived")

    def _entry(self, key: str) -> Path:
        return (self._folder or Path()) / key[:2] / f"{key}.jsonl"

    def _index(self, state: str) -> Path:
        name = hashlib.sha256(state.encode()).hexdigest()
        return (self._folder or Path()) / "index" / name[:2] / name

    def _indexed(self, state: str) -> str:
        try:
            text = self._index(state).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return ""
        return text if len(text) == _DIGEST_LETTERS else ""


def _read(entry: Path) -> Measured | None:
    """A kept measurement; None where it is not there or not whole."""
    try:
        lines = entry.read_bytes().splitlines(keepends=True)
        head = parse_json(lines[0]).value if lines else None
        facts = read_facts(lines[1:])
    except (OSError, DataError):
        return None
    if head is None or len(facts) != 1 or facts[0].key != entry.stem:
        return None
    messages_n = get_number(head, "messages_n")
    digests = {path: str(digest) for path, digest in get_object(head, "sha256").items()}
    found = facts[0]
    return Measured(
        found.tables, digests, None if messages_n is None else int(messages_n), get_text(head, "payload"), found.key
    )


def _write(path: Path, parts: Sequence[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # other processes may keep the same
    partial.write_bytes(b"".join(parts))
    partial.replace(path)
