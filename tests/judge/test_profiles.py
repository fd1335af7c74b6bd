"""Profiles: found by name or path, frozen by digest, strict about what they may change."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from embodied_kit.errors import UsageError
from embodied_kit.model.rule import LimitCheck, Rule
from embodied_kit.spec import check, load_yaml, standard
from embodied_validators.profiles import default_profile, load_profile, profile_names
from embodied_validators.rulebook import load_rulebook


def data_of(name: str) -> dict[str, Any]:
    (path,) = [path for path in standard().profile_files() if path.stem == name]
    value: Any = load_yaml(path.read_bytes())
    return dict(value)


def written(folder: Path, data: dict[str, Any]) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def limit_of(rule: Rule, measure: str, level: Any) -> Any:
    return next(
        item.limits[level].value for item in rule.checks if isinstance(item, LimitCheck) and item.measure == measure
    )


@pytest.mark.parametrize("name", [path.stem for path in standard().profile_files()])
def test_a_profile_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.preview is name.partition("@")[0].endswith("-preview")
    assert profile.unknown == ()
    assert check("profile", data_of(name), standard().document_schema("profile", "authoring")) == []
    asked = {rule_id for rule_id, rule in load_rulebook().rules.items() if not rule.preview}
    structural = {rule_id for rule_id in asked if rule_id[:2] in ("ST", "CT", "TM", "PV")}
    assert structural <= {rule.rule_id for rule in profile.rules}


def test_the_default_follows_the_origin_and_the_body() -> None:
    for embodiments in ([], ["single_arm"], ["humanoid"]):
        assert default_profile("sim", embodiments) == "sim@1.0"
    for origin in ("real", "augmented", "generated", ""):
        assert default_profile(origin) == "arm@1.0"
    chosen = {word: default_profile("real", [str(word)]) for word in standard().vocabulary("embodiment_class").codes}
    assert chosen == {
        "single_arm": "arm@1.0",
        "dual_arm": "dual_arm@1.0",
        "mobile_manipulator": "mobile@1.0",
        "quadruped": "mobile@1.0",
        "humanoid": "humanoid@1.0",
        "hand": "hand@1.0",
        "human": "egocentric@1.0",
    }
    assert default_profile("real", ["single_arm", "humanoid"]) == "humanoid@1.0"
    assert default_profile("real", ["hand", "single_arm"]) == "arm@1.0"
    assert {*chosen.values(), "sim@1.0"} == {name for name in profile_names() if "preview" not in name}


def test_a_simulated_arm_may_have_small_cameras() -> None:
    assert load_profile("sim-preview@0.1").parameters["min_image_width_px"] == 320
    assert load_profile("arm-preview@0.1").parameters["min_image_width_px"] == 640


def test_a_profile_by_path_overrides_what_may_be_overridden(tmp_path: Path) -> None:
    data = data_of("sim-preview@0.1")
    same = load_profile(written(tmp_path, data))
    assert same == load_profile("sim-preview@0.1")
    data["overrides"] = {
        "TM-06": {"severity": "warning", "limits": {"jitter_ratio": {"L2": {"value": 0.5, "origin": "declared"}}}}
    }
    own = load_profile(written(tmp_path, data))
    rule = next(rule for rule in own.rules if rule.rule_id == "TM-06")
    assert rule.severity == "warning"
    assert limit_of(rule, "jitter_ratio", "L2") == 0.5
    assert limit_of(rule, "jitter_ratio", "L3") == 0.1
    assert own.digest != same.digest


def test_the_digest_binds_parameters_and_rules(tmp_path: Path) -> None:
    data = data_of("sim-preview@0.1")
    digests = {load_profile("sim-preview@0.1").digest}
    for changed in (
        {**data, "parameters": {**data["parameters"], "min_sharpness": 41}},
        {**data, "rules": data["rules"][:-1]},
        {**data, "rules": [*data["rules"], "XX-01"]},
    ):
        digests.add(load_profile(written(tmp_path, changed)).digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, "colour"),
        ({"rules": []}, "rules"),
        ({"rules": ["TM-07", "TM-07"]}, "TM-07 twice"),
        ({"rules": ["tm7"]}, "tm7"),
        ({"status": "released"}, "preview"),
        ({"title": {"en": "only"}}, "title"),
        ({"parameters": {}}, "required_modalities"),
        ({"overrides": {"ST-01": {"severity": "warning"}}}, "ST-01"),
        ({"overrides": {"XX-01": {"severity": "warning"}}}, "XX-01"),
        ({"overrides": {"TM-06": {}}}, "TM-06"),
        ({"overrides": {"TM-06": {"why": "x"}}}, "TM-06"),
        ({"overrides": {"TM-06": {"severity": "fatal"}}}, "fatal"),
        ({"overrides": {"TM-06": {"limits": {"jitter": {}}}}}, "jitter_ratio"),
        ({"overrides": {"TM-06": {"limits": {"jitter_ratio": {"L1": {"value": 1, "origin": "declared"}}}}}}, "L1"),
        ({"overrides": {"TM-06": {"limits": {"jitter_ratio": {"L2": {"value": 1}}}}}}, "origin"),
        (
            {"overrides": {"TM-06": {"limits": {"jitter_ratio": {"L2": {"value": True, "origin": "engineering"}}}}}},
            "expected a number to compare with, got True",
        ),
        (
            {"overrides": {"TM-06": {"limits": {"jitter_ratio": {"L2": {"value": "0.2", "origin": "engineering"}}}}}},
            "expected a number to compare with, got '0.2'",
        ),
    ],
)
def test_a_mistake_in_a_profile_is_refused_by_name(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    data = {**copy.deepcopy(data_of("sim-preview@0.1")), **change}
    with pytest.raises(UsageError) as caught:
        load_profile(written(tmp_path, data))
    assert words in caught.value.message
    assert "own.yaml" in caught.value.message


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("sim-preview@9.9")
    assert "sim-preview@0.1" in caught.value.remedy
    path = tmp_path / "p.yaml"
    path.write_bytes(b"- 1")
    with pytest.raises(UsageError, match="object"):
        load_profile(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"p\.yaml"):
        load_profile(path)
