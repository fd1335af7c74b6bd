"""Released profiles: whole in themselves, frozen by digest, the same for ever.

`schemas/v1/profiles/released/ID@VERSION.jsonl` holds a head line (the profile, and the digest of its basis) and each
rule verbatim; `basis-DIGEST.json` the forms of documents and tables; `lock.json` the SHA-256 of every file. Nothing
else of the standard is read for a verdict under such a profile: neither an upgrade nor an edited rule changes it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from embodied_kit.canonical import load_json, parse_json, sha256_hex
from embodied_kit.errors import DataError, EnvironmentUnfitError, UsageError
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import Basis, read_basis, standard
from embodied_validators.rulebook import Rulebook, rulebook_of

SUFFIX = ".jsonl"
LOCK = "lock.json"
FORMAT = 1
_MAX_BASIS_BYTES = 16 * 2**20
_MAX_BASIS_VALUES = 1_000_000
_MAX_RULE_BYTES = 2**20


class Frozen:
    """A released profile as it was frozen.

    Attributes:
        data: The profile as written, `rules` listed by id.
        rulebook: Its own rules.
        basis: Its own forms of documents and tables.
        digest: SHA-256 of its file, which names that of its basis.
    """

    def __init__(self, data: JsonObject, rulebook: Rulebook, basis: Basis, digest: str) -> None:
        self.data = data
        self.rulebook = rulebook
        self.basis = basis
        self.digest = digest


def released_folder() -> Path:
    """Where the released profiles of this package lie."""
    return standard().root / "profiles" / "released"


def released_files() -> Mapping[str, Path]:
    """Name -> file of each released profile of this package, sorted."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(released_folder().glob(f"*{SUFFIX}"))}


def basis_name(digest: str) -> str:
    """Name of the file of a basis."""
    return f"basis-{digest[:16]}.json"


def read_released(path: Path) -> Frozen:
    """A released profile of this package, or one that somebody else froze.

    Raises:
        EnvironmentUnfitError: A file of this package is not the one that was frozen.
        UsageError: It is no frozen profile, or its basis does not lie beside it.
    """
    data = _bytes(path)
    digest = sha256_hex(data)
    if path.parent == released_folder():
        _require_locked(path.name, digest)
    lines = [parse_json(line, max_bytes=_MAX_RULE_BYTES).value for line in data.splitlines()]
    head, rules = (lines[0] if lines else None) or {}, lines[1:]
    profile, wanted = head.get("profile"), str(head.get("basis"))
    if head.get("format") != FORMAT or not isinstance(profile, Mapping) or None in rules:
        raise UsageError(f"{path.name}: expected a frozen profile of format {FORMAT}, got another file")
    basis = _basis(path.parent / basis_name(wanted), wanted)
    return Frozen(profile, rulebook_of(rules, path.name, basis), basis, digest)


def _require_locked(name: str, digest: str) -> None:
    """A file that was changed after it was frozen would change verdicts that are signed."""
    try:
        locked = load_json(released_folder() / LOCK)
    except DataError as error:
        raise EnvironmentUnfitError(f"cannot read {LOCK} of the released profiles: {error.message}") from error
    expected = locked.get(name)
    if expected != digest:
        raise EnvironmentUnfitError(
            f"expected {name} as it was released, got a file with another SHA-256 ({digest[:12]})",
            remedy="install embodied-kit again; to change a profile, freeze a new version of it",
        )


@functools.lru_cache(maxsize=4)
def _basis(path: Path, wanted: str) -> Basis:
    data = _bytes(path)
    if sha256_hex(data) != wanted:
        raise EnvironmentUnfitError(
            f"expected {path.name} as it was released, got a file with another SHA-256 ({sha256_hex(data)[:12]})",
            remedy="install embodied-kit again; to change a profile, freeze a new version of it",
        )
    value = parse_json(data, max_bytes=_MAX_BASIS_BYTES, max_values=_MAX_BASIS_VALUES).value
    if value is None:
        raise UsageError(f"{path.name}: expected the basis of a frozen profile, got no JSON object")
    return read_basis(value)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the profile {path}: {error.strerror}") from error
