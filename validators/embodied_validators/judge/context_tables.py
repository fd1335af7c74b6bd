"""Tables that depend on the context as well as on documents: made while judging, never written as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from embodied_kit.episode.layout import GOVERNANCE_JSON
from embodied_kit.model.facts import DATASET_SCOPE, Facts
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context
from embodied_validators.judge.export import export_row
from embodied_validators.judge.licence import licence_rows


def with_context_tables(facts: Iterable[Facts], context: Context) -> Iterator[Facts]:
    """The units, that of the dataset with the tables `export` and `licence` where it holds documents."""
    for unit in facts:
        if unit.scope != DATASET_SCOPE or "document" not in unit.tables:
            yield unit
            continue
        dataset, governance = _document(unit, "dataset"), _document(unit, "governance")
        export = [export_row(governance, GOVERNANCE_JSON, context)] if governance else []
        licences = list(licence_rows(dataset, governance, context))
        yield replace(unit, tables={**unit.tables, "export": export, "licence": licences})


def _document(unit: Facts, kind: str) -> JsonObject:
    """The first readable document of a kind; empty where there is none, which another rule says."""
    for row in unit.tables["document"]:
        value = row.get("value")
        if row.get("kind") == kind and not row.get("embedded_in") and isinstance(value, dict):
            return value
    return {}
