"""A profile's source and the rulebook of today -> a released profile that never changes (`rules freeze`)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from embodied_kit.canonical import canonical_bytes, load_json, pretty_bytes, sha256_hex
from embodied_kit.episode.layout import write_whole
from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import current_basis, standard
from embodied_validators.profiles import build_profile, mapping_of, read_profile_file
from embodied_validators.released import FORMAT, LOCK, SUFFIX, basis_name
from embodied_validators.rulebook import Rulebook, load_rulebook

_MERGED = ("parameters", "overrides", "without")
_OWN = ("profile_id", "version", "title", "description")
_KEYS = {*_OWN, *_MERGED, "extends"}


def freeze(source: Path, folder: Path) -> tuple[str, str]:
    """Freeze a profile.

    Args:
        source: YAML with `profile_id`, `version`, `title`, `description`, `parameters`, `overrides` and `without` (rule
            -> why it is not asked, in both languages); `extends: NAME` takes the latter three from NAME.yaml beside it.
            Every rule of the rulebook that is no preview is listed, but for those under `without`.
        folder: Where the released profiles lie; the lock file there is carried on.

    Returns:
        Name and SHA-256 of the profile.

    Raises:
        UsageError: The source is not strict, or that name was released with another content.
        EnvironmentUnfitError: It cannot be written.
    """
    book = load_rulebook()
    data = _resolved(source, book)
    name = f"{data['profile_id']}@{data['version']}"
    build_profile(data, book, source.name)  # strict: unknown keys, overrides, missing parameters
    basis = canonical_bytes(current_basis().value())
    head: JsonObject = {"format": FORMAT, "profile": data, "basis": sha256_hex(basis)}
    listed: JsonValue = data["rules"]
    rules = [book.data[str(rule)] for rule in listed] if isinstance(listed, list) else []
    frozen = b"".join(canonical_bytes(line) + b"\n" for line in (head, *rules))
    _put(folder, {f"{name}{SUFFIX}": frozen, basis_name(sha256_hex(basis)): basis}, name)
    return name, sha256_hex(frozen)


def _resolved(source: Path, book: Rulebook) -> JsonObject:
    """The profile that a source stands for, its rules listed."""
    own = _read(source)
    base = _base(source, str(own["extends"])) if "extends" in own else {}
    merged = {key: {**mapping_of(base, key, source.name), **mapping_of(own, key, source.name)} for key in _MERGED}
    for rule_id in merged["without"]:
        if rule_id not in book.rules:
            raise UsageError(f"{source.name}: expected rules of the rulebook under without, got '{rule_id}'")
    for key in _OWN:
        if key not in own:
            raise UsageError(f"{source.name}: expected the key '{key}', got none")
    asked = [name for name, rule in book.rules.items() if not rule.preview and name not in merged["without"]]
    overrides = {rule: value for rule, value in merged["overrides"].items() if rule in asked}
    return {
        **{key: own[key] for key in _OWN},
        "status": "released",
        "rules": asked,
        **{key: value for key, value in (merged | {"overrides": overrides}).items() if value},
    }


def _base(source: Path, name: str) -> JsonObject:
    """The source that another one extends, beside it."""
    path = source.with_name(f"{name}.yaml")
    if path.is_file():
        return _read(path)
    ours = standard().root / "profiles" / "sources" / path.name
    copy = f"copy it: cp {shlex.quote(str(ours))} {shlex.quote(str(path))}"
    raise UsageError(
        f"{source.name}: expected {path.name} beside it, which it extends, got none",
        remedy=copy if ours.is_file() else "leave out extends, and give every parameter",
    )


def _read(path: Path) -> JsonObject:
    data = read_profile_file(path)
    for key in data:
        if key not in _KEYS:
            raise UsageError(f"{path.name}: expected one of the keys {', '.join(sorted(_KEYS))}, got '{key}'")
    return data


def _put(folder: Path, files: Mapping[str, bytes], name: str) -> None:
    lock = folder / LOCK
    locked: dict[str, JsonValue] = dict(load_json(lock)) if lock.is_file() else {}
    for file, data in files.items():
        if locked.get(file, sha256_hex(data)) != sha256_hex(data):
            raise UsageError(
                f"expected {name} as it was released, got another content", remedy="raise the version in the source"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            write_whole(folder / file, data)
            locked[file] = sha256_hex(data)
        write_whole(lock, pretty_bytes({file: locked[file] for file in sorted(locked)}))
    except OSError as error:
        raise EnvironmentUnfitError(f"cannot write {folder}: {error.strerror}") from error
