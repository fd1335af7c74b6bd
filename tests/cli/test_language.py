"""`--lang` wherever it stands, and before it the environment."""

import pytest
from cli.verbs import run

CHINESE = "列出并解释规则"
ENGLISH = "List and explain the rules"


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMBODIED_KIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "words",
    [
        ("--lang", "zh", "rules", "explain", "--help"),
        ("rules", "--lang", "zh", "explain", "--help"),
        ("rules", "explain", "--lang", "zh", "--help"),
        ("rules", "explain", "--help", "--lang", "zh"),
        ("rules", "explain", "--help", "--lang=zh-CN"),
    ],
)
def test_the_flag_may_stand_anywhere(words: tuple[str, ...]) -> None:
    shown = run(*words)
    assert shown.code == 0
    assert "规则的要求、理由、来源与修正办法。" in shown.out


def test_the_flag_is_no_word_of_the_verb() -> None:
    assert run("rules", "--lang", "zh", "list", "TM").code == 0


def test_after_two_dashes_it_is_a_word_like_any_other() -> None:
    shown = run("rules", "explain", "--", "--lang")
    assert shown.code == 2
    assert "--LANG" in shown.err.upper()


def test_the_environment_speaks_where_no_flag_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ENGLISH in run("--help").out
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert CHINESE in run("--help").out
    monkeypatch.setenv("EMBODIED_KIT_LANG", "en")
    assert ENGLISH in run("--help").out
    assert CHINESE in run("--help", "--lang", "zh").out


@pytest.mark.parametrize("words", [("--lang", "fr", "rules", "list"), ("rules", "list", "--lang", "klingon")])
def test_another_language_is_a_usage_error(words: tuple[str, ...]) -> None:
    shown = run(*words)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("error: expected en or zh from --lang, got ")


def test_a_flag_without_a_value_falls_back_to_the_environment() -> None:
    assert ENGLISH in run("--help", "--lang").out
