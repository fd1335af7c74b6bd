"""Where the files of the standard lie, and how they are read: package data only, never the network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from embodied_kit.canonical import parse_json
from embodied_kit.errors import DataError, EnvironmentUnfitError
from embodied_kit.model.json import JsonObject


def schemas_root() -> Path:
    """Folder `schemas/` of an installed wheel, else of the clone that this package stands in, or is a link into.

    Raises:
        EnvironmentUnfitError: Neither exists: the installation is incomplete.
    """
    package = Path(str(files("embodied_kit")))
    for folder in (package / "schemas", package.resolve().parent / "schemas"):
        if (folder / "v1").is_dir():
            return folder
    raise EnvironmentUnfitError(
        f"expected the standard's files in {package / 'schemas'}, found none", remedy="install embodied_kit again"
    )


def read_json(path: Path) -> JsonObject:
    """One JSON object of the standard.

    Raises:
        DataError: The file is not strict JSON.
    """
    result = parse_json(path.read_bytes())
    if result.value is None:
        raise DataError(f"expected strict JSON in {path}, got {result.problem} at {result.place}")
    return result.value
