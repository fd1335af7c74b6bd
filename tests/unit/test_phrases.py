"""The matcher of templates, on catalogues of a few entries."""

import re

from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.phrases import Phrases

SMALL = Phrases(
    [
        ("expected {0}, got {1}", "应为 {0}，实为 {1}"),
        ("expected a file, got {path}", "应为文件，实为 {path}"),
        ("{a}: {b}", "{a}：{b}"),
        ("{who} is no file: {why}", "{who} 不是文件：{why}"),
        ("done", "完成"),
    ],
    parts=[("nothing at all", "空无一物"), ("up to {n} items", "至多 {n} 项")],
)


def test_the_entry_with_the_most_literal_text_is_taken() -> None:
    assert SMALL.translate("expected a file, got x, got y") == "应为文件，实为 x, got y"
    assert SMALL.translate("expected x, got y, got z") == "应为 x，实为 y, got z"
    assert SMALL.translate("a: b: c") == "a：b: c"
    assert SMALL.translate("done") == "完成"


def test_placeholders_may_be_empty_and_literals_must_not_overlap() -> None:
    assert SMALL.translate("expected , got ") == "应为 ，实为 "
    assert SMALL.translate("expected, got") == "expected, got"
    assert Phrases([("aba{x}aba", "{x}")]).translate("ababa") == "ababa"
    assert Phrases([("aba{x}aba", "{x}")]).translate("abaaba") == ""


def test_a_sentence_in_a_placeholder_is_translated_unless_quoted_or_without_words() -> None:
    assert SMALL.translate("a is no file: expected b, got nothing at all") == "a 不是文件：应为 b，实为 空无一物"
    assert SMALL.translate("expected up to 3 items, got 4") == "应为 至多 3 项，实为 4"
    assert SMALL.translate("expected 'nothing at all', got \"done\"") == "应为 'nothing at all'，实为 \"done\""
    assert SMALL.translate("expected c: d, got e") == "应为 c: d，实为 e"  # no words of its own


def test_a_part_is_no_sentence() -> None:
    assert SMALL.translate("nothing at all") == "nothing at all"


def test_quoting_has_an_end() -> None:
    deep = "x is no file: " * 50 + "y"
    assert SMALL.translate(deep).count("不是文件") == 5


WORDS = st.text(st.characters(exclude_characters="{}\n"), max_size=12)


@given(st.lists(WORDS.filter(str.strip), min_size=1, max_size=5), st.lists(WORDS, min_size=4, max_size=4))
def test_it_agrees_with_a_lazy_pattern(literals: list[str], fillings: list[str]) -> None:
    names = [f"n{index}" for index in range(len(literals) - 1)]
    template = literals[0] + "".join(f"{{{name}}}{text}" for name, text in zip(names, literals[1:], strict=True))
    sentence = literals[0] + "".join(
        filling + text for filling, text in zip(fillings[: len(names)], literals[1:], strict=True)
    )
    pattern = "".join(
        f"(?P<{part[1:-1]}>.*?)" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", template)
    )
    match = re.fullmatch(pattern, sentence, re.DOTALL)
    assert match is not None
    told = Phrases([(template, "|".join(f"{{{name}}}" for name in names))]).translate(sentence)
    assert told == "|".join(match[name] for name in names)
