"""Part by part or as a whole: the same problems, for examples, for documents with faults, for the schemas of rules."""

import copy
import random
from typing import Any

import pytest
from spec.test_examples import EXAMPLES, read

from embodied_kit.model.rule import LEVELS, DocumentCheck
from embodied_kit.spec import check, standard
from embodied_kit.spec.parts import PartChecker, parts_of
from embodied_validators.rulebook import load_rulebook

KINDS = sorted({path.parent.name for path in EXAMPLES.glob("valid/*/*.json")})
JUNK: tuple[Any, ...] = (None, True, -1, 2.5, "", "x_y", "1.0.0", [], [1], {}, {"x_a": 1}, {"schema_version": 3})


def schemas(kind: str) -> list[Any]:
    own = [standard().document_schema(kind, "judging"), standard().document_schema(kind, "authoring")]
    own += [standard().level_schema(kind, level) for level in LEVELS]
    for rule in load_rulebook().rules.values():
        for item in rule.checks:
            if isinstance(item, DocumentCheck) and item.document == kind:
                own += [schema for schema in (item.check, item.when) if schema is not None]
    return own


def broken(value: Any, generator: random.Random) -> Any:
    """A copy with one value anywhere replaced, removed or added."""
    changed = copy.deepcopy(value)
    at = changed
    while True:
        names = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not names:
            break
        name = generator.choice(names)
        inner = at[name]
        if isinstance(inner, dict | list) and inner and generator.random() < 0.7:
            at = inner
            continue
        how = generator.random()
        if how < 0.3:
            del at[name]
        elif how < 0.8 or isinstance(at, list):
            at[name] = generator.choice(JUNK)
        else:
            at[f"unknown_{generator.random():.3f}"] = generator.choice(JUNK)
        break
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_part_by_part_gives_the_problems_of_the_whole(kind: str) -> None:
    generator = random.Random(kind)  # noqa: S311 - faults, no secret
    documents = [read(path) for path in sorted(EXAMPLES.glob(f"*/{kind}/*.json")) if "expect" not in path.name]
    documents += [broken(generator.choice(documents), generator) for _ in range(60)]
    checker, faults = PartChecker(), 0
    for document in documents:
        if isinstance(document, dict):
            parts = parts_of(document)
            for schema in schemas(kind):
                whole = check(kind, document, schema)
                assert checker.problems(kind, parts, schema) == whole
                assert checker.problems(kind, parts, schema) == whole, "the second time, as remembered"
                faults += len(whole)
    assert faults > 30
