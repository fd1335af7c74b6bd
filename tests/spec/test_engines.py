"""Two engines agree, levels only ever ask for more, and authoring never accepts what judging refuses."""

import copy
import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec.sources import ROOT

from embodied_kit.model.json import JsonObject
from embodied_kit.model.rule import LEVELS
from embodied_kit.spec import check, standard

VALID = {
    f"{path.parent.name}/{path.stem}": json.loads(path.read_bytes())
    for path in sorted((ROOT / "examples" / "valid").glob("*/*.json"))
}
DAMAGE: list[Any] = [None, True, -1, 0, 1.5, 10**6, "", " ", "x", "L9", "2026-13-01T00:00:00Z", [], {}, [1], {"x_a": 1}]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value, the root left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((*path, key), *places(item, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A kind and a valid example of it with up to three places removed, replaced or added to."""
    example = draw(st.sampled_from(sorted(VALID)))
    value = copy.deepcopy(VALID[example])
    for _ in range(draw(st.integers(0, 3))):
        *above, last = draw(st.sampled_from(places(value) or [("none left",)]))
        at = value
        for key in above:
            at = at[key]
        act = draw(st.sampled_from(["remove", "replace", "add"]))
        if act == "replace":
            at[last] = copy.deepcopy(draw(st.sampled_from(DAMAGE)))
        elif act == "remove" and last in (at if isinstance(at, dict) else range(len(at))):
            del at[last]
        elif isinstance(at, dict):
            at[draw(st.sampled_from(["surprise", "x_surprise"]))] = 1
    return example.partition("/")[0], value


def plain(schema: JsonObject) -> dict[str, Any]:
    return dict(schema)


SECOND = {
    (kind, bundle): jsonschema.Draft202012Validator(
        plain(
            standard().document_schema(kind, "authoring" if bundle == "authoring" else "judging")
            if bundle != "L4"
            else standard().level_schema(kind, "L4")
        )
    )
    for kind in standard().kinds
    for bundle in ("judging", "authoring", "L4")
}


@QUICK
@given(damaged(), st.sampled_from(["judging", "authoring", "L4"]))
def test_two_engines_agree(case: tuple[str, Any], bundle: str) -> None:
    kind, value = case
    second = SECOND[kind, bundle]
    assert (check(kind, value, second.schema) == []) == second.is_valid(value)


@QUICK
@given(damaged())
def test_levels_only_ever_ask_for_more(case: tuple[str, Any]) -> None:
    kind, value = case
    found = [set(check(kind, value, standard().level_schema(kind, level))) for level in LEVELS]
    judged = set(check(kind, value))
    for lower, higher in zip([judged, *found], found, strict=False):
        assert lower <= higher
    for problem in found[-1] - judged:
        assert problem.keyword == "required"


@QUICK
@given(damaged())
def test_authoring_accepts_nothing_that_judging_refuses(case: tuple[str, Any]) -> None:
    kind, value = case
    closed = check(kind, value, standard().document_schema(kind, "authoring"))
    assert closed or not check(kind, value)


def test_the_damage_is_real() -> None:
    """The mutator reaches documents that pass and documents that do not."""
    outcomes = set()

    @settings(max_examples=100, deadline=None)
    @given(damaged())
    def run(case: tuple[str, Any]) -> None:
        outcomes.add(check(*case) == [])

    run()
    assert outcomes == {True, False}
