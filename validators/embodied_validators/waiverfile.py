"""The file of waivers of `validate --waivers`: strict, since a misspelt key would waive more than was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonValue
from embodied_kit.model.report import Waiver
from embodied_kit.spec import check, load_yaml, standard

_SHOWN = 3


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Waivers of a YAML or JSON file.

    Raises:
        UsageError: It cannot be read, or is not as waivers.schema.json says.
    """
    try:
        data = load_yaml(path.read_bytes())
    except DataError as error:
        raise UsageError(f"{path.name}: {error.message}") from error
    except OSError as error:
        raise UsageError(f"cannot read the waivers {path}: {error.strerror}") from error
    problems = check("waivers", data, standard().document_schema("waivers", "authoring"))
    if problems:
        told = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in problems[:_SHOWN])
        raise UsageError(f"{path.name}: expected waivers, got {len(problems)} problems: {told}")
    return read_waivers(cast("Mapping[str, JsonValue]", data)["waivers"])


def read_waivers(entries: JsonValue) -> tuple[Waiver, ...]:
    """Waivers of entries that satisfy their schema: those of a file, or of a predicate (which says more of each)."""
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise DataError("expected a list of waivers")
    return tuple(Waiver(**_known(entry)) for entry in entries if isinstance(entry, Mapping))


def _known(entry: Mapping[str, JsonValue]) -> dict[str, Any]:
    return {name: entry[name] for name in Waiver.__slots__ if name in entry}
