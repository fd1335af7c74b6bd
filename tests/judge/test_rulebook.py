"""The rulebook as data: strict, complete in both languages, honest about where each number comes from."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from judge.fixtures import all_rules

from embodied_kit.errors import UsageError
from embodied_kit.model.rule import LEVELS, DocumentCheck, LimitCheck
from embodied_kit.spec import check, load_yaml, standard
from embodied_validators.rulebook import explain, listing, load_rulebook, read_rulebook
from embodied_validators.rulefile import parse_rule

RETIRED = {"PV-09", "PV-10", "PV-11", "PV-12"}  # reason codes of `verify`; the numbers stay unused
CATALOGUE = {
    "ST": 12,
    "CT": 12,
    "TM": 14,
    "SR": 12,
    "KN": 15,
    "VS": 13,
    "DG": 11,
    "SM": 14,
    "PV": 8,
    "PR": 21,
    "DS": 14,
}
OWN = {"DG-12", "PV-13", "VS-14"}
"""Rules beyond the catalogue: they close ways round those that are in it, or say what is only declared."""
CANNOT_BE: dict[str, str] = {}
"""Rule of the catalogue -> why it cannot be data; there is none left."""
HAN = re.compile("[\u4e00-\u9fff]")


def test_every_rule_of_the_catalogue_is_there_or_says_why_not_and_no_number_is_invented() -> None:
    rules = set(load_rulebook().rules)
    catalogue = {f"{family}-{number:02d}" for family, count in CATALOGUE.items() for number in range(1, count + 1)}
    assert len(catalogue) == 146
    assert not OWN & catalogue
    assert rules | set(CANNOT_BE) == catalogue | OWN
    assert not rules & set(CANNOT_BE)
    assert not RETIRED & rules


@pytest.mark.parametrize("rule_id", sorted(load_rulebook().rules))
def test_a_rule_is_whole(rule_id: str) -> None:
    rule, data = load_rulebook().rules[rule_id], load_rulebook().data[rule_id]
    assert check("rule", data, standard().document_schema("rule", "authoring")) == []
    for texts in (rule.title, rule.why, rule.fix):
        assert HAN.search(texts["zh"]), texts
        assert not HAN.search(texts["en"]), texts
    assert len(rule.title["en"]) <= 70
    for item in rule.checks:
        assert item.limits
        assert all(LEVELS.index(level) >= LEVELS.index(rule.level) for level in item.limits)
        for limit in item.limits.values():
            if limit.origin == "standard":
                assert limit.clause
                assert limit.as_of
                assert limit.evidence in ("read", "second-hand", "memory"), "a standard's number is never our own"
            if limit.origin == "engineering":
                assert (limit.evidence, limit.binding) == ("own", "-")
            if "GB/Z" in limit.clause or "TC609" in limit.clause:
                assert limit.evidence == "second-hand", "nobody here has read its text"
    first = min((level for item in rule.checks for level in item.limits), key=LEVELS.index)
    assert first == rule.level, "the rule's level is the first that any of its limits has"


def test_what_makes_a_dataset_whole_known_and_lawful_cannot_be_waived() -> None:
    for name, rule in load_rulebook().rules.items():
        severities = {rule.severity, *(item.severity for item in rule.checks)}
        must = name[:2] in ("ST", "CT", "PV", "PR") and "error" in severities
        assert rule.waivable is not must, f"{name}: error rules of ST, CT, PV and PR say `waivable: false`, no others"


def test_limits_of_numbers_only_tighten_with_the_level() -> None:
    for rule in load_rulebook().rules.values():
        for item in rule.checks:
            if isinstance(item, LimitCheck) and item.comparator != "equal":
                values = [limit.value for limit in item.limits.values()]
                if all(isinstance(value, int | float) for value in values):
                    assert values == sorted(values, reverse=item.comparator in ("max", "below")), rule.rule_id


def test_schemas_inside_rules_are_schemas_and_name_known_fields() -> None:
    for rule in load_rulebook().rules.values():
        for item in rule.checks:
            if isinstance(item, DocumentCheck) and item.check is not None:
                check(item.document, {}, item.check)  # an invalid schema raises
                known = {name for name, _ in standard().fields(item.document)}
                assert set(_fields(item.check, "")) <= known, rule.rule_id
                assert set(_fields(item.when or {}, "")) <= known, rule.rule_id


def _fields(schema: Any, prefix: str) -> list[str]:
    found = []
    if isinstance(schema, dict):
        found += [prefix + name for name in schema.get("required", [])]
        for name, inner in schema.get("properties", {}).items():
            found += [prefix + name, *_fields(inner, f"{prefix}{name}.")]
        if "items" in schema:
            found += _fields(schema["items"], prefix[:-1] + "[].")
        for keyword in ("anyOf", "allOf", "oneOf"):
            for branch in schema.get(keyword, []):
                found += _fields(branch, prefix)
        for keyword in ("not", "if", "then", "else"):
            found += _fields(schema.get(keyword), prefix)
    return found


def test_the_words_that_rules_compare_with_are_words_of_the_vocabularies() -> None:
    for rule in load_rulebook().rules.values():
        for item in rule.checks:
            if isinstance(item, LimitCheck):
                row = {name: value for name, value in item.only.items() if not isinstance(value, dict)}
                for name, value in row.items():
                    for word in value if isinstance(value, list) else [value]:
                        problems = check(item.table, {name: word}, standard().fact_schema(item.table))
                        assert [p for p in problems if p.keyword != "required"] == [], (rule.rule_id, name, word)


def test_a_fix_names_a_command_or_a_field() -> None:
    for rule in load_rulebook().rules.values():
        assert re.findall("`[^`]+`", rule.fix["en"]) == re.findall("`[^`]+`", rule.fix["zh"]), rule.rule_id


def test_rules_are_told_in_both_languages() -> None:
    rules = load_rulebook().rules
    for rule in rules.values():
        english, chinese = explain(rule, "en"), explain(rule, "zh")
        assert rule.title["en"] in english
        assert rule.fix["zh"] in chinese
        assert not HAN.search(english.replace("应", "").replace("宜", "")) or rule.rule_id.startswith("PR")
    told = explain(rules["TM-07"], "en")
    assert "L2  <= 0.05" in told
    assert "GB/Z 218.1-2026 6.2.2.3, 宜, second-hand, text not seen, 2026-10-02" in told
    assert "> 0.5" not in explain(rules["VS-04"], "en")
    assert ("TM-07", "error", "L2", "丢帧率") in listing(rules.values(), "zh")
    assert len(listing(rules.values(), "en")) == len(rules)


def rule_data() -> dict[str, Any]:
    return copy.deepcopy(dict(load_rulebook().data["TM-07"]))


def change(path: list[Any], value: Any) -> dict[str, Any]:
    data: Any = rule_data()
    at = data
    for part in path[:-1]:
        at = at[part]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    assert data != rule_data()
    return data


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["titel"], {}, "titel"),
        (["title"], ..., "title"),
        (["title", "zh"], " ", "title.zh"),
        (["id"], "TM-7", "TM-7"),
        (["severity"], "fatal", "severity"),
        (["level"], "L5", "level"),
        (["overridable"], "yes", "overridable"),
        (["subjects"], ["robot"], "subjects"),
        (["checks"], [], "checks"),
        (["checks", 0, "table"], "streams", "streams"),
        (["checks", 0, "measure"], "loss", "loss"),
        (["checks", 0, "for", "cadenc"], "periodic", "cadenc"),
        (["checks", 0, "maxx"], {}, "maxx"),
        (["checks", 0, "min"], {}, "max"),
        (["checks", 0, "max", "L1"], {"value": 1, "origin": "engineering"}, "L1"),
        (["checks", 0, "max", "L2", "orign"], "engineering", "orign"),
        (["checks", 0, "max", "L3", "clause"], ..., "clause"),
        (["checks", 0, "max", "L3", "evidence"], "rumour", "evidence"),
        (["checks", 0], {"document": "dataset", "origin": "engineering"}, "conforms_to"),
        (["checks", 0], {"document": "data", "check": {}, "origin": "engineering"}, "data"),
        (["checks", 0], {"value": 1}, "table"),
    ],
)
def test_a_mistake_in_a_rule_file_is_refused_by_name(path: list[Any], value: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(change(path, value), "tm.yaml")
    assert "tm.yaml" in caught.value.message
    assert words in caught.value.message
    assert "TM-07" in caught.value.message or path == ["id"]


def test_an_id_is_not_used_twice(tmp_path: Path) -> None:
    (source,) = [path for path in standard().rule_files() if path.name == "kn.yaml"]
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(source.read_bytes())
    with pytest.raises(UsageError, match=r"b\.yaml.*KN-01 twice"):
        read_rulebook(sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("data", [b"a: [", b"x: 1", b"- 5"])
def test_a_file_that_is_no_list_of_rules_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tm.yaml"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"tm\.yaml"):
        read_rulebook([path])


def test_files_are_named_by_family_and_sorted() -> None:
    for path in standard().rule_files():
        entries: Any = load_yaml(path.read_bytes())
        ids = [entry["id"] for entry in entries]
        assert ids == sorted(ids)
        assert {name[:2].lower() for name in ids} == {path.stem}


def test_a_profile_of_all_rules_holds_all() -> None:
    assert [rule.rule_id for rule in all_rules().rules] == list(load_rulebook().rules)
