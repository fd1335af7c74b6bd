"""Safe repairs: each takes its finding away and brings no other, changes its own documents only, and ends at once."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli.verbs import run

from embodied_kit.canonical import pretty_bytes
from embodied_kit.errors import UsageError
from embodied_kit.measure import measure_path
from embodied_kit.model.report import Context
from embodied_validators.fix import fixes_text, plan_fixes, write_fixes
from embodied_validators.fix.fixers import FIXERS
from embodied_validators.fix.plan import fix_catalogue
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile
from embodied_validators.rulebook import load_rulebook

SAMPLE = Path(__file__).parents[2] / "sample_episodes" / "good" / "dataset"
CONTEXT = Context(as_of_ns=1_790_100_000_000_000_000)
Findings = frozenset[tuple[str, str, str]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open dataset with nothing to repair; its recording is an empty stand-in, since no repair reads one."""
    root = tmp_path_factory.mktemp("sound") / "set"
    shutil.copytree(SAMPLE, root)
    gone, kept = sorted((root / "episodes").iterdir())
    shutil.rmtree(gone)
    edit(root / "dataset.json", lambda value: value.update(state="open") or value.pop("totals"))
    write_file(root, kept.name, "data_000.mcap", b"a recording")
    return root


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "set")
    return tmp_path / "set"


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(pretty_bytes(value))


def episode_json(root: Path) -> Path:
    (path,) = root.glob("episodes/*/episode.json")
    return path


def write_file(root: Path, episode: str, name: str, data: bytes) -> None:
    """Put a file in an episode and list it under that name."""
    folder = root / "episodes" / episode
    (folder / name).write_bytes(data)

    def listed(value: dict[str, Any]) -> None:
        others = [item for item in value["files"] if item["path"] != name]
        digest = hashlib.sha256(data).hexdigest()
        fresh = {"path": name, "size": len(data), "sha256": digest, "media_type": "application/x-mcap"}
        value["files"] = [*others, fresh]

    edit(folder / "episode.json", listed)


def findings(root: Path) -> Findings:
    """Of the rules about documents and files: rule, path and place."""
    report = judge(measure_path(root, depth="signal"), load_profile("sim-preview@0.1"), CONTEXT, raise_bugs=True)
    return frozenset(
        (item.rule_id, item.place.path, item.place.pointer)
        for item in report.findings
        if item.rule_id.startswith(("ST", "PV"))
    )


def state(root: Path) -> Mapping[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def numbers(path: Path) -> None:
    edit(path, lambda value: value.update(start_ns=int(value["start_ns"]), end_ns=int(value["end_ns"])))


def unlisted_size(root: Path) -> None:
    edit(episode_json(root), lambda value: [item.pop("size") for item in value["files"]])


def other_form(root: Path) -> None:
    name = "notes_\u00e9.txt"
    write_file(root, episode_json(root).parent.name, name, b"notes")
    edit(
        episode_json(root),
        lambda value: value["files"][-1].update(path=unicodedata.normalize("NFD", name), media_type="text/plain"),
    )


def without(path: Path, *names: str) -> None:
    edit(path, lambda value: [value.pop(name) for name in names])


DEFECTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "byte_order_mark": (
        lambda root: (root / "tasks.json").write_bytes(b"\xef\xbb\xbf" + (root / "tasks.json").read_bytes()),
        "tasks.json",
    ),
    "ns_text": (lambda root: numbers(episode_json(root)), "episode.json"),
    "schema_version": (lambda root: without(root / "governance.json", "schema_version"), "governance.json"),
    "unknown_field": (
        lambda root: edit(root / "dataset.json", lambda value: value.update(our_lab_room="3.14")),
        "dataset.json",
    ),
    "listed_file": (unlisted_size, "episode.json"),
    "listed_name": (other_form, "episode.json"),
    "times": (lambda root: without(episode_json(root), "start_time", "end_time", "duration_s"), "episode.json"),
}


def test_every_fix_has_its_function_its_words_and_its_rules() -> None:
    catalogue = fix_catalogue()
    assert [fix.fix_id for fix in catalogue] == list(FIXERS) == list(DEFECTS)
    for fix in catalogue:
        assert set(fix.rules) <= set(load_rulebook().rules)
        for words in (fix.title, fix.why):
            assert set(words) == {"en", "zh"}
            assert all(words.values())


def test_a_sound_dataset_is_left_alone(sound: Path) -> None:
    assert plan_fixes(sound) == ()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_fix_takes_its_finding_away_and_brings_no_other(name: str, dataset: Path) -> None:
    spoil, document = DEFECTS[name]
    before = findings(dataset)
    if name == "listed_name":  # the file itself is part of the sound dataset
        write_file(dataset, episode_json(dataset).parent.name, "notes_\u00e9.txt", b"notes")
        edit(episode_json(dataset), lambda value: value["files"][-1].update(media_type="text/plain"))
        before = findings(dataset)
    spoil(dataset)
    spoilt = findings(dataset)
    assert {rule for rule, _, _ in spoilt - before} & set(
        next(fix.rules for fix in fix_catalogue() if fix.fix_id == name)
    )
    on_disk = state(dataset)
    planned = plan_fixes(dataset)
    assert state(dataset) == on_disk, "a plan writes nothing"
    assert [fix.fix_id for item in planned for fix in item.fixes] == [name]
    assert [item.path.rpartition("/")[2] for item in planned] == [document]
    write_fixes(dataset, planned)
    assert {path for path, data in state(dataset).items() if on_disk[path] != data} == {planned[0].path}
    assert findings(dataset) == before
    assert plan_fixes(dataset) == ()


def test_two_faults_of_one_document_are_both_repaired(dataset: Path) -> None:
    path = episode_json(dataset)
    before = path.read_bytes()
    numbers(path)
    without(path, "duration_s")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (planned,) = plan_fixes(dataset)
    assert [fix.fix_id for fix in planned.fixes] == ["byte_order_mark", "ns_text", "times"]
    write_fixes(dataset, [planned])
    assert json.loads(path.read_bytes()) == json.loads(before)


def test_what_hides_damage_is_left_alone(dataset: Path) -> None:
    episode = episode_json(dataset)
    edit(episode, lambda value: value["files"][-1].pop("size"))
    (episode.parent / "data_000.mcap").write_bytes(b"another recording")
    assert plan_fixes(dataset) == (), "the file is not the one that was listed"
    edit(episode, lambda value: value["files"][-1].pop("sha256"))
    assert plan_fixes(dataset) == (), "a digest is never made up"
    edit(dataset / "dataset.json", lambda value: value.update(licence="MIT", x_a=1, title_fr="a"))
    assert plan_fixes(dataset) == (), "a misspelt field is its author's"
    without(dataset / "governance.json", "schema_version")
    edit(dataset / "governance.json", lambda value: value.update(data_level=7))
    assert all(item.path != "governance.json" for item in plan_fixes(dataset)), "not known to be of this version"


def test_a_taken_name_is_not_overwritten(dataset: Path) -> None:
    edit(dataset / "dataset.json", lambda value: value.update(our_lab_room=1, x_our_lab_room=2))
    assert plan_fixes(dataset) == ()


def test_unknown_fields_keep_their_place_and_their_layout(dataset: Path) -> None:
    path = dataset / "tasks.json"
    value = json.loads(path.read_bytes())
    value["tasks"][0]["our_lab_room"] = {"id": [1, 2.5]}
    text = json.dumps(value, indent="\t", ensure_ascii=True)
    path.write_text(text, "ascii")
    (planned,) = plan_fixes(dataset)
    assert planned.after == text.replace('"our_lab_room"', '"x_our_lab_room"').encode()
    shown = fixes_text([planned], "zh", written=False)
    assert '-\t\t\t"our_lab_room": {' in shown.splitlines()
    assert "--write" in shown


@pytest.mark.parametrize("how", ["sealed", "attested", "bare", "episode"])
def test_what_may_not_change_is_refused(how: str, dataset: Path) -> None:
    DEFECTS["unknown_field"][0](dataset)
    root = dataset
    if how == "sealed":
        edit(dataset / "dataset.json", lambda value: value.update(state="sealed"))
    elif how == "attested":
        (dataset / "attestation" / "0").mkdir(parents=True)
        (dataset / "attestation" / "0" / "manifest.jsonl").write_bytes(b"")
    else:
        root = episode_json(dataset).parent
    before = state(dataset)
    for words in (("--fix",), ("--fix", "--write")):
        ran = run("validate", str(root), *words)
        assert ran.code == 2
        assert ran.err.startswith("error: ")
    with pytest.raises(UsageError):
        plan_fixes(root)
    assert state(dataset) == before


def test_a_document_that_changed_meanwhile_is_not_overwritten(dataset: Path) -> None:
    DEFECTS["unknown_field"][0](dataset)
    planned = plan_fixes(dataset)
    edit(dataset / "dataset.json", lambda value: value.update(title_en="Meanwhile"))
    before = state(dataset)
    with pytest.raises(UsageError):
        write_fixes(dataset, planned)
    assert state(dataset) == before


def program(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "embodied_kit", *map(str, words), "--depth", "index", "--lang", "en"],
        cwd=SAMPLE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_shows_then_writes_then_judges(dataset: Path) -> None:
    DEFECTS["unknown_field"][0](dataset)
    before = state(dataset)
    shown = program("validate", dataset, "--fix")
    assert '+  "x_our_lab_room": "3.14"' in shown.stdout
    assert "ST-06" in shown.stdout.partition("dry run")[2]
    assert state(dataset) == before
    written = program("validate", dataset, "--fix", "--write", "--format", "json")
    assert '+  "x_our_lab_room": "3.14"' in written.stderr
    report = json.loads(written.stdout)
    assert "ST-06" not in {item["rule_id"] for item in report["findings"]}
    assert program("validate", dataset, "--fix").stdout.startswith("no safe fix")


def test_names_that_a_terminal_obeys_are_shown_harmless(dataset: Path) -> None:
    edit(dataset / "dataset.json", lambda value: value.update({"\u202eour\x9broom": "\u200b"}))
    shown = fixes_text(plan_fixes(dataset), "en", written=False)
    assert not set(shown) & set("\u202e\x9b\u200b")
