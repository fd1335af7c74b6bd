"""`dataset check` and the pre-commit hook that runs it."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from cli.verbs import VERBS, run

from embodied_kit.cli.documents import datasets_of

ROOT = Path(__file__).resolve().parents[2]
GOOD = ROOT / "sample_episodes" / "good" / "dataset"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "my_ds"))


def test_good_documents_pass_and_say_that_recordings_were_not_read(dataset: Path) -> None:
    shown = run("dataset", "check", str(dataset))
    assert (shown.code, shown.err) == (0, "")
    assert "my_ds: " in shown.out
    assert "0 findings; recordings were not read" in shown.out


def test_a_fault_in_a_document_is_found_from_any_path_inside(dataset: Path) -> None:
    path = dataset / "dataset.json"
    document = json.loads(path.read_bytes())
    del document["dataset_id"]
    path.write_text(json.dumps(document), encoding="utf-8")
    shown = run("dataset", "check", str(dataset / "tasks.json"))
    assert shown.code == 1
    assert "my_ds/dataset.json /dataset_id: a required field is missing  [ST-01 " in shown.out
    assert run("dataset", "check", str(dataset), "--lang", "zh").out.count("缺少必填字段") == 1


def test_only_the_level_asked_for_is_held(dataset: Path) -> None:
    assert run("dataset", "check", str(dataset), "--level", "L1").code == 0
    strict = run("dataset", "check", str(dataset), "--level", "L4")
    assert strict.code == 1
    assert ", L4]" in strict.out


def test_each_dataset_is_looked_at_once_and_other_files_are_nobodys(dataset: Path, tmp_path: Path) -> None:
    other = tmp_path / "package.json"
    other.write_text("{}", encoding="utf-8")
    paths = [dataset / "dataset.json", dataset / "robots", dataset, other]
    assert datasets_of(paths) == [dataset]
    shown = run("dataset", "check", str(other))
    assert (shown.code, shown.out) == (0, "")
    assert run("dataset", "check", str(tmp_path / "absent")).code == 2


def test_the_hook_runs_a_verb_of_the_program(dataset: Path) -> None:
    (hook,) = HOOKS
    assert {"id", "name", "entry", "language"} <= hook.keys()
    program, *words = shlex.split(hook["entry"])
    assert program == "embodied-kit"
    assert tuple(words) in VERBS
    assert hook["require_serial"] is True  # a dataset is looked at once, however many files changed
    assert run(*words, *map(str, sorted(dataset.rglob("*.json")))).code == 0
