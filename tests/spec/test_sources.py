"""What holds for every file of the standard: complete, bilingual, one dialect, nothing unused."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from spec.sources import ROOT, fields, nodes, source, source_paths

from embodied_kit.canonical import JsonProblem
from embodied_kit.model.facts import CONTEXT_TABLES, DEPTHS, TABLES
from embodied_kit.model.report import State
from embodied_kit.model.rule import LEVELS, Severity
from embodied_kit.model.stream import Cadence
from embodied_kit.spec import SCHEMA_BASE, SCHEMA_VERSION, check, load_yaml, standard
from embodied_kit.spec.standard import resolve

PATHS = source_paths()
NAMES = [path.relative_to(ROOT).as_posix() for path in PATHS]
VOCABULARIES = sorted((ROOT / "vocabularies").glob("*.yaml"))
HAN = re.compile("[\u4e00-\u9fff]")
ASSERTIONS = {
    *("type", "enum", "const", "pattern", "minLength", "required", "minProperties", "uniqueItems"),
    *("minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum"),
}
APPLICATORS = {"$ref", "$defs", "properties", "additionalProperties", "propertyNames", "items", "oneOf"}
ANNOTATIONS = {"$schema", "$id", "title", "description", "examples"}
OURS = {
    *("x-titles", "x-descriptions", "x-unit", "x-stability", "x-since", "x-required-from", "x-core", "x-path"),
    *("x-key", "x-depth", "x-scope", "x-vocabulary"),
}


def field_like(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Fields that must describe themselves: properties without reference to a shared field, and shared fields."""
    shared = list(source(path)["$defs"].items()) if path.name == "fields.schema.json" else []
    own = [(place, node) for place, node in fields(source(path)) if not re.search("(fields.schema.json)?#/", ref(node))]
    typed = [
        (place, node)
        for place, node in fields(source(path))
        if ref(node).startswith(("common.schema.json", "../common.schema.json"))
    ]
    return shared + own + typed


def ref(node: Mapping[str, Any]) -> str:
    return str(node.get("$ref", ""))


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_source_is_json_schema_2020_12_under_its_own_address(path: Path) -> None:
    schema = source(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == SCHEMA_BASE + path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_source_uses_the_known_keywords_only(path: Path) -> None:
    used = {keyword for _, node in nodes(source(path)) for keyword in node}
    assert used <= ASSERTIONS | APPLICATORS | ANNOTATIONS | OURS


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_field_is_described_in_both_languages_with_unit_and_examples(path: Path) -> None:
    for place, node in field_like(path):
        lacking = {"title", "description", "x-titles", "x-descriptions", "x-unit", "examples"} - set(node)
        assert not lacking, (path.name, place, lacking)
        assert node["x-stability"] in ("preview", "stable", "deprecated"), place
        assert node["x-since"] == SCHEMA_VERSION, place
        assert node["examples"], place
        assert node["description"].endswith("."), place
        assert HAN.search(node["x-descriptions"]["zh"]), place
        assert node["x-titles"]["zh"].strip(), place
        assert not HAN.search(node["title"]), place


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_object_and_definition_is_titled_in_both_languages(path: Path) -> None:
    schema = source(path)
    for node in (schema, *schema.get("$defs", {}).values()):
        assert node["title"]
        assert node["description"]
        assert HAN.search(node["x-descriptions"]["zh"])
        assert node["x-titles"]["zh"]


def test_the_fields_that_must_describe_themselves_are_found() -> None:
    assert len([field for path in PATHS for field in field_like(path)]) > 500


def examples_of(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any], Any]]:
    definitions = schema.get("$defs", {})
    every = [item for item in nodes(schema) if "examples" in item[1] and not item[0].endswith("/undetermined")]
    return [(place, {**node, "$defs": definitions}, example) for place, node in every for example in node["examples"]]


@pytest.mark.parametrize("kind", standard().kinds)
def test_every_example_satisfies_its_own_field(kind: str) -> None:
    examples = examples_of(dict(standard().document_schema(kind, "authoring")))
    assert examples
    for place, schema, example in examples:
        assert check(kind, example, schema) == [], place


@pytest.mark.parametrize("table", standard().tables)
def test_every_example_of_a_column_satisfies_it(table: str) -> None:
    for place, schema, example in examples_of(dict(standard().fact_schema(table))):
        assert check(table, example, schema) == [], place


def test_every_definition_and_vocabulary_is_used() -> None:
    used = set()
    named = set()
    for path in PATHS:
        folder = posixpath.dirname(path.relative_to(ROOT).as_posix())
        for _, node in nodes(source(path)):
            named |= {node["x-vocabulary"]} if "x-vocabulary" in node else set()
            if "$ref" in node:
                file, _, name = node["$ref"].partition("#/$defs/")
                target = posixpath.normpath(posixpath.join(folder, file)) if file else path.relative_to(ROOT).as_posix()
                used.add((target, name))
    defined = {
        (name, inner) for path, name in zip(PATHS, NAMES, strict=True) for inner in source(path).get("$defs", {})
    }
    assert defined - used == set()
    named |= {"depth"}  # the words of x-depth and of Facts.depth
    assert {path.stem for path in VOCABULARIES} - {target.partition("/")[2] for target, _ in used} - named == set()


def test_words_that_the_code_knows_are_those_of_the_vocabularies() -> None:
    words = {"depth": DEPTHS, "level": LEVELS, "severity": get_args(Severity), "verdict_state": get_args(State)}
    words |= {"cadence": get_args(Cadence), "parse_state": tuple(word for word in get_args(JsonProblem) if word)}
    for name, codes in words.items():
        assert set(codes) <= set(standard().vocabulary(name).codes), name


def test_words_of_a_vocabulary_stand_in_no_schema() -> None:
    """Enums come from vocabularies; an enum in a schema is for the schema's own machinery."""
    inline = {tuple(node["enum"]) for path in PATHS for _, node in nodes(source(path)) if "enum" in node}
    assert inline == {
        ("lossless",),
        ("failed", "undetermined"),
        ("finding", "waived"),
        ("judging", "authoring"),
        ("as_of_ns",),
        ("preview", "released", "withdrawn"),
    }


@pytest.mark.parametrize("path", VOCABULARIES, ids=lambda path: path.stem)
def test_a_vocabulary_is_bilingual_unique_and_read_alike_by_any_yaml_reader(path: Path) -> None:
    data: Any = load_yaml(path.read_bytes())
    assert data == yaml.safe_load(path.read_bytes())
    assert set(data) == {"id", "title", "terms"}
    assert data["id"] == path.stem
    codes = [term["code"] for term in data["terms"]]
    assert len(codes) == len(set(codes)) > 0
    for term in data["terms"]:
        assert set(term) <= {"code", "label", "definition"}
        for texts in (data["title"], term["label"], term.get("definition", data["title"])):
            assert set(texts) == {"en", "zh"}
            assert all(isinstance(text, str) and text.strip() for text in texts.values())
            assert not HAN.search(texts["en"])
    assert len({term["label"]["zh"] for term in data["terms"]}) == len(codes)
    assert len({term["label"]["en"] for term in data["terms"]}) == len(codes)


@pytest.mark.parametrize("kind", standard().kinds)
def test_levels_ask_for_known_words_and_core_fields_are_asked_for(kind: str) -> None:
    for name, field in standard().fields(kind):
        assert field.get("x-required-from") in (None, *LEVELS), name
        if field.get("x-core"):
            assert "x-required-from" in field, name


def test_nanoseconds_are_decimal_strings_everywhere() -> None:
    found = 0
    for schema in (
        *(standard().document_schema(kind) for kind in standard().kinds),
        *(standard().fact_schema(table) for table in standard().tables),
    ):
        for place, node in nodes(schema):
            for name, inner in node.get("properties", {}).items():
                if name.endswith("_ns"):
                    found += 1
                    assert all(isinstance(example, str) for example in resolve(schema, inner)["examples"]), place
                    assert check("", 5, {**resolve(schema, inner), "$defs": schema["$defs"]}), (place, name)
    assert found > 30


def test_facts_tables_are_those_of_the_model() -> None:
    assert set(standard().tables) == {*TABLES, *CONTEXT_TABLES}


@pytest.mark.parametrize("table", standard().tables)
def test_a_facts_table_has_key_scope_and_depth_and_every_value_may_be_null(table: str) -> None:
    facts, schema = standard().fact_table(table), standard().fact_schema(table)
    assert facts.key or table == "signature"
    assert set(facts.scopes) <= {"dataset", "episode"}
    assert facts.depth in DEPTHS
    assert all(DEPTHS.index(depth) >= DEPTHS.index(facts.depth) for depth in facts.column_depth.values())
    first: dict[str, Any] = {name: resolve(schema, field)["examples"][0] for name, field in columns(schema)}
    assert check(table, first, schema) == []
    required = {*facts.key, "table", *(("state",) if table == "link" else ())}
    emptied = {name: value if name in required else None for name, value in first.items() if name != "undetermined"}
    assert check(table, emptied, schema) == []
    assert [problem.keyword for problem in check(table, first | {"x_more": 1}, schema)] == ["unevaluatedProperties"]
    for name in facts.key:
        assert [problem.pointer for problem in check(table, without(first, name), schema)] == [f"/{name}"]


def columns(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(schema["properties"].items())


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_rules_and_profiles_on_disk_satisfy_their_schemas() -> None:
    rules = [(path, rule) for path in standard().rule_files() for rule in as_list(load_yaml(path.read_bytes()))]
    profiles = [(path, load_yaml(path.read_bytes())) for path in standard().profile_files()]
    for kind, documents in (("rule", rules), ("profile", profiles)):
        for path, value in documents:
            assert check(kind, value, standard().document_schema(kind, "authoring")) == [], path.name


def as_list(value: Any) -> list[Any]:
    assert isinstance(value, list)
    return value
