"""Documents that a dataset begins with: known fields from a folder, identity and times added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import load_json
from embodied_kit.episode.layout import DATASET_JSON, GOVERNANCE_JSON, TASKS_JSON
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject

_OWN = ("schema_version", "dataset_id", "dataset_uri", "state", "totals")  # belong to one dataset, never to a template


@dataclass(frozen=True)
class Template:
    """Known fields of dataset.json, of governance.json, and the entries of tasks.json."""

    dataset: JsonObject
    governance: JsonObject
    tasks: Sequence[JsonObject]


def read_template(folder: Path) -> Template:
    """Read dataset.json, governance.json and tasks.json of a folder; an absent one says nothing.

    Raises:
        UsageError: The folder holds none of them.
        DataError: One is not strict JSON.
    """
    documents = {
        name: load_json(folder / name)
        for name in (DATASET_JSON, GOVERNANCE_JSON, TASKS_JSON)
        if (folder / name).is_file()
    }
    if not documents:
        raise UsageError(f"expected {DATASET_JSON}, {GOVERNANCE_JSON} or {TASKS_JSON} in {folder}, got none of them")
    tasks = documents.get(TASKS_JSON, {}).get("tasks")
    entries = tasks if isinstance(tasks, Sequence) and not isinstance(tasks, str) else ()
    return Template(
        _known(documents.get(DATASET_JSON, {})),
        _known(documents.get(GOVERNANCE_JSON, {})),
        [entry for entry in entries if isinstance(entry, Mapping)],
    )


def _known(document: JsonObject) -> JsonObject:
    return {name: value for name, value in document.items() if name not in _OWN}
