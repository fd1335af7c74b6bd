"""JSON documents of a dataset that are no JSON, too much of it, or say what cannot be."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hostile.kit import EVIL, GOOD, Program, edited, first_episode, spoil, well_behaved
from measure.synthetic import write_dataset

Find = Callable[[Path], Path]
DOCUMENTS: Mapping[str, tuple[Find, str]] = {
    "dataset": (lambda root: root / "dataset.json", "ST-01"),
    "governance": (lambda root: root / "governance.json", "ST-01"),
    "task": (lambda root: root / "tasks.json", "ST-01"),
    "robot": (lambda root: next(root.glob("robots/*/robot.json")), "ST-01"),
    "calibration": (lambda root: next(root.glob("robots/*/calibration/*.json")), "ST-01"),
    "episode": (lambda root: first_episode(root) / "episode.json", "ST-02"),
}


def last(text: bytes) -> Callable[[bytes], bytes]:
    """Add a member at the end of the object."""
    return lambda data: data.rstrip()[:-1] + b"," + text + b"}"


BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no json": lambda _: b"{nope",
    "list": lambda _: b"[]",
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "nan": last(b'"x_a": NaN'),
    "twice": last(b'"schema_version": "1.0.0"'),
    "surrogate": last(b'"x_a": "\\ud800"'),
    "integer": last(b'"x_a": 9223372036854775809'),
    "deep": last(b'"x_a": ' + b"[" * 100_000 + b"]" * 100_000),
    "many": last(b'"x_a": [' + b'{"a":0},' * 1_500_000 + b"0]"),
    "long": last(b'"x_a": "' + b"a" * (15 << 20) + b'", "x_a": 0'),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_that_cannot_be_read_is_a_finding_of_its_own_rule(
    kind: str, program: Program, tmp_path: Path
) -> None:
    find, rule = DOCUMENTS[kind]
    names = sorted(BYTES)
    for name in names if kind == "episode" else random.Random(kind).sample(names, 2):  # noqa: S311  # seeded

        def change(root: Path, name: str = name) -> None:
            find(root).write_bytes(BYTES[name](find(root).read_bytes()))

        ran = program.judged(spoil(GOOD, tmp_path / name, change), "--level", "L1")
        assert (ran.code, rule in ran.rules()) == (1, True), (name, ran.rules())


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        *((kind, way) for kind in ("dataset", "episode") for way in ("missing", "folder", "fifo", "link", "sparse")),
        *(("governance", "missing"), ("task", "folder"), ("robot", "link"), ("calibration", "sparse")),
    ],
)
def test_a_document_that_is_no_small_file_is_a_finding(kind: str, way: str, program: Program, tmp_path: Path) -> None:
    find, rule = DOCUMENTS[kind]

    def change(root: Path) -> None:
        path = find(root)
        if way == "sparse":
            os.truncate(path, 1 << (30 if kind == "dataset" else 25))
            return
        elsewhere = tmp_path / "elsewhere.json"
        path.rename(elsewhere)
        ways: Mapping[str, Callable[[], object]] = {
            "folder": path.mkdir,
            "fifo": lambda: os.mkfifo(path),
            "link": lambda: path.symlink_to(elsewhere),
        }
        ways.get(way, lambda: None)()

    root = spoil(GOOD, tmp_path / "set", change)
    ran = program.judged(root, "--level", "L1")
    assert ran.code == 1
    expected = {"missing": {rule, "ST-05"}, "link": {"ST-08"}, "fifo": {"ST-08"}}.get(way, {rule, "ST-05"})
    assert ran.rules() & expected, ran.rules()


@pytest.mark.parametrize(("value", "rule"), [("2.0.0", "ST-03"), (1, "ST-01"), (None, "ST-01"), ("", "ST-03")])
def test_another_version_is_not_read_as_this_one(value: object, rule: str, program: Program, tmp_path: Path) -> None:
    root = spoil(
        GOOD, tmp_path / "set", lambda root: edited(root / "dataset.json", lambda it: it.update(schema_version=value))
    )
    assert rule in program.judged(root, "--level", "L1").rules()


def excluded(*ids: object) -> list[object]:
    return [{"episode_id": name, "reason": "r", "excluded_at": "2026-01-01T00:00:00Z"} for name in ids]


EPISODES = sorted(path.name for path in (GOOD / "episodes").iterdir())
FOREIGN = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"


@pytest.mark.parametrize(
    ("member", "value", "rules"),
    [
        ("excluded", excluded(*(f"0192f0c1-8a3b-7c1d-9e2f-{n:012x}" for n in range(1000))), {"ST-05"}),
        ("excluded", [EPISODES[0], {"episode_id": [EPISODES[1]]}, None, 5], {"ST-01"}),
        ("excluded", {"a": 1}, {"ST-01"}),
        ("dataset_id", FOREIGN, {"ST-05"}),
        ("dataset_id", 5, {"ST-01"}),
        ("totals", {"episodes": -1, "duration_s": 1e300, "size_bytes": "many"}, {"ST-12"}),
        ("collections", [[]], {"ST-01"}),
    ],
)
def test_a_dataset_that_says_what_cannot_be(
    member: str, value: object, rules: set[str], program: Program, tmp_path: Path
) -> None:
    root = spoil(
        GOOD, tmp_path / "set", lambda root: edited(root / "dataset.json", lambda it: it.update({member: value}))
    )
    ran = program.judged(root, "--level", "L1")
    assert (ran.code, rules <= ran.rules()) == (1, True), ran.rules()


def test_a_dataset_that_excludes_everything_has_no_level(program: Program, tmp_path: Path) -> None:
    root = spoil(
        GOOD,
        tmp_path / "set",
        lambda root: edited(root / "dataset.json", lambda it: it.update(excluded=excluded(*EPISODES))),
    )
    ran = program.run("validate", root, "--level", "L1", "--format", "json")
    assert (well_behaved(ran).code, ran.report()["verdict"]["level"]) == (3, None)


@pytest.mark.parametrize("form", ["text", "json", "html"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_texts_and_names_are_shown_and_not_obeyed(
    form: str, language: str, program: Program, tmp_path: Path
) -> None:
    def change(root: Path) -> None:
        names = ("title_en", "title_zh", "license", "rights_holder", "dataset_version", EVIL)
        edited(root / "dataset.json", lambda it: it.update(dict.fromkeys(names, EVIL + "\n")))
        edited(root / "tasks.json", lambda it: it["tasks"].append({"task_id": EVIL}))
        (first_episode(root) / f"{EVIL.replace('/', '')}.mcap").write_bytes(b"")
        edited(
            first_episode(root) / "episode.json",
            lambda it: it.update(task_id=EVIL, streams=[{"stream_id": EVIL, "topic": EVIL}]),
        )
        first_episode(root).rename(root / "episodes" / EVIL.replace("/", ""))

    root = spoil(GOOD, tmp_path / EVIL.replace("/", ""), change)
    ran = well_behaved(program.run("validate", root, "--format", form, "--lang", language))
    assert ran.code == 1
    assert "script" in ran.text


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document, of lists the first item."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*at, name))


def put(document: Any, place: tuple[str | int, ...], value: object) -> Any:
    if not place:
        return value
    at = document
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    return document


FOOLISH = (
    [],
    {},
    "",
    1,
    -1.5e300,
    True,
    None,
    [[]],
    [{}],
    ["a"],
    {"a": {}},
    2**53 - 1,
    "\0",
    "9" * 30,
    "-1",
    "--1",
    [None],
)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_value_of_a_wrong_type_never_ends_in_a_traceback(kind: str, program: Program, tmp_path: Path) -> None:
    good = write_dataset(tmp_path / "good")
    path = DOCUMENTS[kind][0](good)
    before = path.read_bytes()
    choice = random.Random(kind)  # noqa: S311  # seeded
    some = [*places(json.loads(before))]
    always = [place for place in some if place[-1:] in (("start_ns",), ("end_ns",), ("duration_s",))]
    for place in always + choice.sample(some, min(len(some), 3)):
        value = choice.choice(FOOLISH) if place not in always else "9" * 30
        path.write_text(json.dumps(put(json.loads(before), place, value)))
        assert path.read_bytes() != before
        form = choice.choice(["json", "text", "html"]) if place not in always else "html"
        ran = well_behaved(program.run("validate", good, "--format", form, "--lang", choice.choice(["en", "zh"])))
        assert ran.code in (1, 3), (place, value)
