"""Examples: the valid ones are valid, each invalid one fails by exactly one small difference at exactly its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from spec.sources import ROOT

from embodied_kit.model.json import JsonObject
from embodied_kit.spec import check, standard

EXAMPLES = ROOT / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*/*.json"))
INVALID = sorted(path for path in (EXAMPLES / "invalid").glob("*/*.json") if not path.name.endswith(".expect.json"))


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def schema_of(kind: str, against: str) -> JsonObject:
    if against == "authoring":
        return standard().document_schema(kind, "authoring")
    if against == "judging":
        return standard().document_schema(kind)
    assert against in ("L1", "L2", "L3", "L4")
    return standard().level_schema(kind, against)  # type: ignore[arg-type]  # asserted above


def differences(left: Any, right: Any) -> int:
    """Places in which two values differ; an item or field that only one has is one place."""
    if isinstance(left, dict) and isinstance(right, dict):
        shared = left.keys() & right.keys()
        return len(left.keys() ^ right.keys()) + sum(differences(left[key], right[key]) for key in shared)
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return sum(differences(a, b) for a, b in zip(left, right, strict=True))
    return int(left != right)


@pytest.mark.parametrize("path", VALID, ids=name)
def test_a_valid_example_satisfies_both_bundles(path: Path) -> None:
    for against in ("judging", "authoring", *(("L4",) if path.stem == "full" else ())):
        assert check(path.parent.name, read(path), schema_of(path.parent.name, against)) == [], against


@pytest.mark.parametrize("path", INVALID, ids=name)
def test_an_invalid_example_fails_at_its_place_and_nowhere_else(path: Path) -> None:
    expected = read(path.with_suffix(".expect.json"))
    kind, value = path.parent.name, read(path)
    base = read(EXAMPLES / "valid" / kind / f"{expected['base']}.json")
    schema = schema_of(kind, expected["against"])
    assert check(kind, base, schema) == []
    assert differences(value, base) == 1
    found = [{"pointer": problem.pointer, "keyword": problem.keyword} for problem in check(kind, value, schema)]
    assert found == expected["problems"]


@pytest.mark.parametrize("kind", standard().kinds)
def test_every_kind_has_examples(kind: str) -> None:
    assert any(path.parent.name == kind for path in VALID)
    assert sum(path.parent.name == kind for path in INVALID) >= 3


def test_the_full_examples_use_every_field_that_a_level_asks_for() -> None:
    for path in VALID:
        if path.stem == "full" and path.parent.name != "attestation":
            asked = {field for field, schema in standard().fields(path.parent.name) if "x-required-from" in schema}
            assert asked <= set(used(read(path))), path.parent.name


def used(value: Any, prefix: str = "") -> list[str]:
    if isinstance(value, list):
        return [field for item in value for field in used(item, prefix)]
    if not isinstance(value, dict):
        return []
    return [
        field
        for key, inner in value.items()
        for field in (prefix + key, *used(inner, f"{prefix}{key}{'[]' if isinstance(inner, list) else ''}."))
    ]


def test_no_expectation_stands_alone() -> None:
    expectations = {path.name.removesuffix(".expect.json") for path in (EXAMPLES / "invalid").glob("*/*.expect.json")}
    assert expectations == {path.stem for path in INVALID}
