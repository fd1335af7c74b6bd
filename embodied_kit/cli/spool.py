"""Facts on their way past: written to a temporary file as canonical lines, so that memory holds one unit at a time."""

from __future__ import annotations

import hashlib
import tempfile
import weakref
from collections.abc import Iterable, Iterator

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.measure import facts_lines, read_facts
from embodied_kit.model.facts import DATASET_SCOPE, Facts


class FactsSpool:
    """Facts of one subject, by scope; the temporary file is gone with the object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="embodied-kit-")  # noqa: SIM115 - lives as long as the spool
        weakref.finalize(self, self._file.close)
        self._places: dict[str, tuple[int, int]] = {}

    @property
    def scopes(self) -> tuple[str, ...]:
        """The dataset first, then episodes by id: the order of canonical facts lines."""
        return tuple(sorted(self._places, key=lambda scope: (scope != DATASET_SCOPE, scope)))

    def passing(self, units: Iterable[Facts]) -> Iterator[Facts]:
        """The units themselves, each written before it is handed on.

        Raises:
            EnvironmentUnfitError: There is no space for them.
        """
        for unit in units:
            lines = b"".join(facts_lines([unit]))
            try:
                start = self._file.seek(0, 2)
                self._file.write(lines)
            except OSError as error:
                raise EnvironmentUnfitError(
                    f"cannot write facts to a temporary file: {error.strerror}",
                    remedy="free some space, or point TMPDIR at another disk",
                ) from error
            self._places[unit.scope] = (start, len(lines))
            yield unit

    def unit(self, scope: str) -> Facts:
        """One unit, read back."""
        return read_facts(self._lines(scope).splitlines(keepends=True))[0]

    def sha256(self) -> str:
        """Digest of the canonical lines of all units, hex."""
        digest = hashlib.sha256()
        for scope in self.scopes:
            digest.update(self._lines(scope))
        return digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The canonical lines of all units; those of one are held."""
        for scope in self.scopes:
            yield from self._lines(scope).splitlines(keepends=True)

    def _lines(self, scope: str) -> bytes:
        start, length = self._places[scope]
        self._file.seek(start)
        return self._file.read(length)
