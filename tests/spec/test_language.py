"""Which language a reader gets."""

import pytest

from embodied_kit.errors import UsageError
from embodied_kit.spec import language, pick

VARIABLES = ("EMBODIED_KIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("word", "code"), [("zh", "zh"), ("zh-CN", "zh"), ("zh_CN.UTF-8", "zh"), ("EN", "en")])
def test_the_flag_comes_first(word: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBODIED_KIT_LANG", "en" if code == "zh" else "zh")
    assert language(word) == code


def test_the_variable_comes_before_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("EMBODIED_KIT_LANG", "zh")
    assert language() == "zh"


@pytest.mark.parametrize(("name", "value", "code"), [("LANG", "zh_CN.UTF-8", "zh"), ("LC_ALL", "de_DE", "en")])
def test_the_locale_comes_last_and_english_where_it_is_another(
    name: str, value: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert language() == code


def test_lc_all_overrides_lang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB")
    monkeypatch.setenv("LC_ALL", "zh_TW")
    assert language() == "zh"


@pytest.mark.parametrize("word", ["fr", "zhuang", "english"])
def test_another_language_is_refused(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--lang"):
        language(word)
    monkeypatch.setenv("EMBODIED_KIT_LANG", word)
    with pytest.raises(UsageError, match="EMBODIED_KIT_LANG"):
        language()


def test_texts_fall_back_to_english_then_to_any() -> None:
    assert pick({"en": "a", "zh": "b"}, "zh") == "b"
    assert pick({"en": "a"}, "zh") == "a"
    assert pick({"zh": "b"}, "en") == "b"
    assert pick({}, "en") == ""
