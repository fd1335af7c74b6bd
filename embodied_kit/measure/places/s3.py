"""Datasets and files in an object store that speaks S3, read in ranges; nothing is copied to disk.

The path is `s3://bucket/prefix`. Keys, region and endpoint come from the variables that every S3 tool knows:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from embodied_kit.episode.paths import OUTSIDE_THE_DATASET, PathProblem, path_problem
from embodied_kit.errors import UsageError
from embodied_kit.mcap.source import Source
from embodied_kit.measure.places.walk import Entry, make_entry

if TYPE_CHECKING:
    from pyarrow import NativeFile
    from pyarrow.fs import FileInfo, S3FileSystem

_SCHEME = "s3:"
_BLOCK_BYTES = 4 * 2**20
_CONNECT_TIMEOUT_S, _REQUEST_TIMEOUT_S = 10, 60


def s3_path(path: PurePath | str) -> str | None:
    """Bucket and key of `s3://bucket/key`, also as a Path has folded it (`s3:/bucket/key`); None for a local path."""
    first, _, rest = str(path).partition("/")
    return rest.strip("/") if first == _SCHEME and rest.strip("/") else None


def object_entry(key: str) -> Entry | None:
    """The entry of an object in its folder; None where there is no object of that key."""
    try:
        info = _info(key)
    except OSError:
        return None
    return make_entry(info.base_name, info.size, path_problem(info.base_name))


@dataclass(frozen=True)
class S3Folder:
    """Everything below one key.

    Attributes:
        base: Bucket and key, no slash at the end.
    """

    base: str

    def entries(self, *, outside: tuple[str, ...] = OUTSIDE_THE_DATASET, any_name: bool = False) -> Iterator[Entry]:
        """Every object, sorted by path; those whose name is unsafe are named and never opened.

        Raises:
            UsageError: The store refuses.
        """
        found = [(info.path.removeprefix(f"{self.base}/"), info.size) for info in _listed(self.base) if info.is_file]
        kept = [item for item in found if "/" not in item[0] or item[0].split("/")[0] not in outside]
        folded = Counter(_folded(path) for path, _ in kept)
        for path, size in sorted(kept, key=lambda item: item[0].encode("utf-8", "surrogatepass")):
            problem = path_problem(path)
            clash: PathProblem = "case_clash" if folded[_folded(path)] > 1 else "none"
            entry = make_entry(path, size, clash if problem == "none" else problem)
            bears = problem in ("none", "not_nfc") or (any_name and problem == "unsafe_name" and entry.kind == "mcap")
            yield entry if bears else make_entry(path, None, problem)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Up to `max_bytes` + 1 bytes; None where it is no object that can be read."""
        try:
            with closing(S3Source(f"{self.base}/{path}")) as source:
                return source.read_at(0, max_bytes + 1)
        except (OSError, UsageError):
            return None

    def hash(self, path: str) -> str | None:
        """SHA-256 in hex; None where it is no object that can be read."""
        digest = hashlib.sha256()
        try:
            with closing(S3Source(f"{self.base}/{path}")) as source:
                for offset in range(0, source.size, _BLOCK_BYTES):
                    digest.update(source.read_at(offset, _BLOCK_BYTES))
        except (OSError, UsageError):
            return None
        return digest.hexdigest()

    def open(self, path: str) -> Source:
        """An object.

        Raises:
            UsageError: It cannot be opened.
        """
        return S3Source(f"{self.base}/{path}")

    def state(self, path: str) -> str:
        """Endpoint, key, size and time of the last change, which S3 tells in seconds."""
        try:
            return _state(_info(f"{self.base}/{path}"))
        except OSError:
            return ""

    def names(self, inside: str = "") -> set[str]:
        """Names directly below it, or below a prefix inside it.

        Raises:
            UsageError: The store refuses.
        """
        return {info.base_name for info in _listed(f"{self.base}/{inside}".rstrip("/"), recursive=False)}


class S3Source:
    """One object. While it is read in one pass, the next part is fetched ahead.

    Attributes:
        read_bytes: So many bytes were asked for.
    """

    def __init__(self, key: str) -> None:
        try:
            self._info = _info(key)
            self._file: NativeFile = _filesystem().open_input_file(key)
        except OSError as error:
            raise UsageError(f"expected a readable object, got {_said(error)}") from error
        self._key = key
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._thread = ThreadPoolExecutor(1, "s3-read-ahead")
        self.read_bytes = 0

    @property
    def size(self) -> int:
        """Bytes when it was opened."""
        return int(self._info.size)

    def size_now(self) -> int:
        """Bytes now; -1 where it is gone or was written anew."""
        now = _info(self._key)
        return self.size if _state(now) == _state(self._info) else -1

    def read_at(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on."""
        length = max(0, min(length, self.size - offset))
        self.read_bytes += length
        return bytes(self._file.read_at(length, offset)) if length else b""

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from an offset on; how many bytes there were."""
        wanted = len(buffer)
        data = b""
        if self._ahead is not None and self._ahead[0] == offset:
            data = self._ahead[1].result()[:wanted]
        if len(data) < wanted:
            data += self.read_at(offset + len(data), wanted - len(data))
        buffer[: len(data)] = data
        then = offset + len(data)
        self._ahead = (then, self._thread.submit(self.read_at, then, _BLOCK_BYTES)) if then < self.size else None
        return len(data)

    def close(self) -> None:
        """Let go of it."""
        self._thread.shutdown(cancel_futures=True)
        self._file.close()


def _info(key: str) -> FileInfo:
    """What the store says of one object.

    Raises:
        OSError: It is not there, or the store refuses.
    """
    found = _filesystem().get_file_info(key)
    if not found.is_file:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
    return found


def _listed(base: str, *, recursive: bool = True) -> list[FileInfo]:
    from pyarrow.fs import FileSelector  # noqa: PLC0415  # only who reads from a store needs it

    try:
        return list(_filesystem().get_file_info(FileSelector(base, allow_not_found=True, recursive=recursive)))
    except OSError as error:
        remedy = "look at AWS_ENDPOINT_URL, AWS_REGION and the keys"
        raise UsageError(f"expected to list s3://{base}, got {_said(error)}", remedy=remedy) from error


def _state(info: FileInfo) -> str:
    return json.dumps([_endpoint(), info.path, info.size, info.mtime_ns])


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def _filesystem() -> S3FileSystem:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    return _connected(_endpoint(), region)


@lru_cache(maxsize=4)
def _connected(endpoint: str, region: str) -> S3FileSystem:
    from pyarrow.fs import S3FileSystem  # noqa: PLC0415  # only who reads from a store needs it

    scheme, _, host = endpoint.rpartition("://")
    return S3FileSystem(
        scheme=scheme or "https",
        endpoint_override=host or None,
        region=region or None,
        connect_timeout=_CONNECT_TIMEOUT_S,
        request_timeout=_REQUEST_TIMEOUT_S,
    )


def _said(error: OSError) -> str:
    return str(error).splitlines()[0][:200]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
