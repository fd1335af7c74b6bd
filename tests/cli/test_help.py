"""Help: every verb shows it, with an example that its own parser takes, in both languages, without heavy imports."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli.verbs import ALIASES, GROUPS, LANGUAGES, VERBS, commands, run

from embodied_kit.cli.verbs import VERBS as LISTED
from embodied_kit.language import Language

ROOT = Path(__file__).resolve().parents[2]
HAN = re.compile(r"[\u4e00-\u9fff]")
EXAMPLE: dict[Language, str] = {"en": "Example:", "zh": "示例："}
HEAVY = {
    "click", "cryptography", "cyclonedds", "embodied_recorders", "embodied_validators", "jsonschema", "jsonschema_rs",
    "lz4", "mcap", "mujoco", "numpy", "orjson", "platformdirs", "rfc8785", "rich", "rosbags",
    "securesystemslib", "simplejpeg", "sqlite3", "yaml", "zstandard",
}  # fmt: skip


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_verb_shows_an_example_in_the_readers_language(words: tuple[str, ...], lang: Language) -> None:
    shown = run(*words, "--help", "--lang", lang)
    assert shown.code == 0
    assert not shown.err
    assert EXAMPLE[lang] in shown.out
    assert f"embodied-kit {' '.join(ALIASES.get(words, words))}" in shown.out.partition(EXAMPLE[lang])[2]
    assert bool(HAN.search(shown.out)) == (lang == "zh")


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_example_is_a_command_line_that_the_parser_takes(words: tuple[str, ...], lang: Language) -> None:
    command = commands(lang)[words]
    lines = [line.strip() for line in (command.help or "").partition(EXAMPLE[lang])[2].splitlines()]
    examples = [shlex.split(line, comments=True) for line in lines if line.startswith("embodied-kit ")]
    assert examples
    for program, *rest in examples:
        assert program == "embodied-kit"
        assert tuple(rest[: len(words)]) == ALIASES.get(words, words)
        assert command.make_context("x", rest[len(words) :]).params.keys() == {
            param.name for param in command.params if param.expose_value
        }


@pytest.mark.parametrize("words", [*VERBS, *GROUPS], ids=" ".join)
def test_each_option_and_verb_has_a_sentence_in_both_languages(words: tuple[str, ...]) -> None:
    english, chinese = commands("en")[words], commands("zh")[words]
    assert not HAN.search(english.help or "")
    assert HAN.search(chinese.help or "")
    for en, zh in zip(english.params, chinese.params, strict=True):
        if isinstance(en, click.Option) and isinstance(zh, click.Option):
            assert en.help, en.name
            assert zh.help, zh.name
            assert not HAN.search(en.help), en.name
            assert HAN.search(zh.help) or zh.help.isascii(), zh.name


def test_chinese_help_leaves_none_of_the_librarys_english() -> None:
    for words in [*GROUPS, *VERBS]:
        shown = run(*words, "--help", "--lang", "zh").out
        assert not re.search(r"Usage:|Options:|Commands:|Show this message|default: |required\]", shown), words
        assert "用法：" in shown
        assert "选项:" in shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_programs_help_lists_every_verb(lang: Language) -> None:
    shown = run("--help", "--lang", lang).out
    for name, verb in LISTED.items():
        assert re.search(rf"^  {name} +{re.escape(getattr(verb, lang))}$", shown, re.MULTILINE)


def test_a_group_without_a_verb_shows_its_help_and_is_a_usage_error() -> None:
    for words in [(), *GROUPS]:
        shown = run(*words)
        assert (shown.code, shown.out) == (2, "")
        assert shown.err == run(*words, "--help").out


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from embodied_kit.cli import main; code = main(sys.argv[1:]);"
        " print(*sys.modules, sep='\\n', file=sys.stderr); raise SystemExit(code)"
    )
    paths = os.pathsep.join(str(ROOT / folder) for folder in (".", "recorders", "validators"))
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: embodied-kit")
    imported = done.stderr.split()
    assert "embodied_kit.cli.verbs" in imported
    assert sorted({name.partition(".")[0] for name in imported} & HEAVY) == []
    verbs = {f"embodied_kit.cli.{verb.module}" for verb in LISTED.values()}
    assert sorted(verbs & set(imported)) == []


def test_the_overview_is_the_same_whether_click_shows_it_or_not() -> None:
    assert run("--help").out == run("-h").out == run("--help", "--version").out
    assert {name for name in LISTED if f"  {name} " in run("--help").out} == set(LISTED)
