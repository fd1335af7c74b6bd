"""Released profiles: whole in themselves; neither an edited rulebook nor a changed schema changes a verdict."""

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from judge.fixtures import CONTEXT
from judge.test_judge import everything

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.rule import LEVELS, Profile
from embodied_kit.spec import check, current_basis, load_yaml, read_basis, standard
from embodied_validators import released
from embodied_validators.freeze import freeze
from embodied_validators.judge import judge, report_lines
from embodied_validators.profiles import load_profile, profile_names
from embodied_validators.released import LOCK, released_files, released_folder
from embodied_validators.rulebook import load_rulebook

SOURCES = sorted((standard().root / "profiles" / "sources").glob("*.yaml"))
OWN = {"extends": "base", "profile_id": "own", "version": "1.0", "title": {"en": "o", "zh": "自"}}
OWN["description"] = {"en": "own", "zh": "自有"}


def source(folder: Path, **change: Any) -> Path:
    for path in SOURCES:
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**OWN, **change}, allow_unicode=True), encoding="utf-8")
    return path


def frozen(folder: Path, **change: Any) -> Path:
    name, _ = freeze(source(folder, **change), folder / "released")
    return folder / "released" / f"{name}.jsonl"


def lines_under(profile: Profile) -> bytes:
    return report_lines(judge(everything(), profile, CONTEXT))


def test_a_released_profile_says_what_the_rulebook_of_its_day_said(tmp_path: Path) -> None:
    profile = load_profile(frozen(tmp_path))
    rules = {rule.rule_id: rule for rule in profile.rules}
    assert rules == {name: rule for name, rule in load_rulebook().rules.items() if not rule.preview}
    assert not profile.preview
    assert profile.unknown == ()
    assert profile.name == "own@1.0"


def test_its_basis_is_that_of_the_standard(tmp_path: Path) -> None:
    basis, current = load_profile(frozen(tmp_path)).basis, current_basis()
    assert basis is not None
    assert basis.tables == current.tables
    for kind in current.documents:
        for level in LEVELS:
            assert bare(current.level_schema(kind, level)) == bare(standard().level_schema(kind, level))
            assert bare(basis.level_schema(kind, level)) == bare(current.level_schema(kind, level))
        assert bare(basis.closed_schema(kind)) == bare(standard().document_schema(kind, "authoring"))
    assert read_basis(current.value()).value() == current.value()


def bare(node: Any) -> Any:
    if isinstance(node, Mapping):
        told = {"title", "description", "examples", "$schema", "$id"}
        kept = {key: bare(item) for key, item in node.items() if key not in told and not key.startswith("x-")}
        return {
            key: sorted(item) if key == "required" and isinstance(item, list) else item for key, item in kept.items()
        }
    return [bare(item) for item in node] if isinstance(node, list) else node


def test_a_changed_rulebook_or_schema_changes_no_verdict_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = frozen(tmp_path)
    before = lines_under(load_profile(path))

    def of_today() -> None:
        pytest.fail("nothing of today's standard may be looked at")

    for name in ("judge.documents.current_basis", "judge.engine.current_basis", "profiles.load_rulebook"):
        monkeypatch.setattr(f"embodied_validators.{name}", of_today)
    monkeypatch.setattr("embodied_validators.rulefile.current_basis", of_today)
    assert lines_under(load_profile(path)) == before


def test_a_file_that_was_changed_after_its_release_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = frozen(tmp_path)
    monkeypatch.setattr(released, "released_folder", lambda: path.parent)
    load_profile(path)
    data = path.read_bytes()
    for changed in (data.replace(b'"value":0.05', b'"value":0.5', 1), data[:-1], data + b"\n"):
        assert changed != data
        path.write_bytes(changed)
        with pytest.raises(EnvironmentUnfitError, match="as it was released"):
            load_profile(path)
    path.write_bytes(data)
    (path.parent / LOCK).write_text("{}")
    with pytest.raises(EnvironmentUnfitError, match="as it was released"):
        load_profile(path)
    (path.parent / LOCK).unlink()
    with pytest.raises(EnvironmentUnfitError, match=r"lock\.json"):
        load_profile(path)


def test_a_changed_basis_is_refused(tmp_path: Path) -> None:
    path = frozen(tmp_path)
    (basis,) = path.parent.glob("basis-*.json")
    basis.write_bytes(basis.read_bytes().replace(b'"dataset_id"', b'"dataset_ID"', 1))
    with pytest.raises(EnvironmentUnfitError, match="basis-"):
        load_profile(path)
    basis.unlink()
    released._basis.cache_clear()
    with pytest.raises(UsageError, match="cannot read"):
        load_profile(path)


@pytest.mark.parametrize(
    "data", [b"", b"{}\n", b"[]\n", b'{"format":1}\n', b'{"format":1,"profile":{},"basis":"x"}\n[]\n']
)
def test_another_file_is_no_frozen_profile(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        load_profile(path)


def test_a_name_is_released_once(tmp_path: Path) -> None:
    path = frozen(tmp_path)
    data = path.read_bytes()
    assert frozen(tmp_path) == path, "the same again changes nothing"
    with pytest.raises(UsageError, match="another content") as caught:
        frozen(tmp_path, parameters={"min_sharpness": 5})
    assert "version" in caught.value.remedy
    assert path.read_bytes() == data
    other = frozen(tmp_path, version="1.1", parameters={"min_sharpness": 5})
    assert load_profile(other).parameters["min_sharpness"] == 5
    assert load_profile(other).parameters["min_image_width_px"] == 640, "the base's"
    assert set(json.loads((path.parent / LOCK).read_bytes())) == {p.name for p in path.parent.iterdir()} - {LOCK}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": ["TM-07"]}, "rules"),
        ({"without": {"XX-01": {"en": "x", "zh": "无"}}}, "XX-01"),
        ({"without": []}, "without"),
        ({"extends": "nothing"}, "nothing"),
        ({"profile_id": "own-preview"}, "preview"),
        ({"overrides": {"ST-01": {"severity": "warning"}}}, "ST-01"),
    ],
)
def test_a_mistake_in_a_source_is_refused_and_leaves_nothing(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        frozen(tmp_path, **change)
    assert words in caught.value.message
    assert not (tmp_path / "released").exists()


def test_a_source_alone_says_how_to_get_what_it_extends(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(OWN, allow_unicode=True), encoding="utf-8")
    with pytest.raises(UsageError, match=r"base\.yaml beside it") as caught:
        freeze(path, tmp_path / "released")
    *told, program, ours, beside = shlex.split(caught.value.remedy)
    assert (told, program, Path(beside)) == (["copy", "it:"], "cp", tmp_path / "base.yaml")
    shutil.copy(ours, beside)
    assert freeze(path, tmp_path / "released")[0] == "own@1.0"


def test_what_is_left_out_is_not_asked_and_says_why(tmp_path: Path) -> None:
    path = frozen(tmp_path, without={"DG-07": {"en": "exact", "zh": "精确"}})
    assert "DG-07" not in {rule.rule_id for rule in load_profile(path).rules}
    assert json.loads(path.read_bytes().splitlines()[0])["profile"]["without"]["DG-07"]["zh"] == "精确"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_are_bilingual(path: Path) -> None:
    data: Any = load_yaml(path.read_bytes())
    if path.stem != "base":
        assert data["profile_id"] == path.stem
        for text in (data["title"], data["description"], *data.get("without", {}).values()):
            assert set(text) == {"en", "zh"}


def test_every_file_of_the_released_folder_is_locked() -> None:
    if released_folder().is_dir():
        locked = json.loads((released_folder() / LOCK).read_bytes())
        assert set(locked) == {path.name for path in released_folder().iterdir()} - {LOCK}
    for name, path in released_files().items():
        assert name in profile_names()
        profile = load_profile(name)
        assert (profile.name, profile.unknown) == (name, ())
        head = json.loads(path.read_bytes().splitlines()[0])["profile"]
        assert check("profile", head, standard().document_schema("profile", "authoring")) == []
