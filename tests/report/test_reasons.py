from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import embodied_kit.measure
from embodied_validators.judge.reasons import REASONS
from embodied_validators.report.words import reason_text

SENTENCE = re.compile(
    r"^(no|not|the|this|a|an|fewer|only|some|one|needs|more|it|two|several|at|there|could|cannot|images|every|stands"
    r"|sqlite3:?) \S+( \S+)*$"
)
NO_REASONS = {"one tree"}  # an expected value of a link
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def sentences_of(path: Path) -> Iterator[str]:
    """Sentences in string literals, docstrings left out; what an f-string fills in is `x`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    left_out |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        if SENTENCE.match(text) and text not in NO_REASONS:
            yield text


def test_every_reason_of_measuring_has_its_chinese() -> None:
    found = {
        sentence: path.name
        for path in sorted(Path(embodied_kit.measure.__path__[0]).rglob("*.py"))
        for sentence in sentences_of(path)
    }
    assert len(found) > 40
    missing = {sentence: name for sentence, name in found.items() if not CHINESE.search(reason_text(sentence, "zh"))}
    assert missing == {}, "add their Chinese to embodied_validators/report/reasons.yaml"


@pytest.mark.parametrize("key", list(REASONS))
def test_the_judges_own_reasons_are_translated(key: str) -> None:
    english, chinese = (text.format(a="x", b="y") for text in REASONS[key])
    assert reason_text(english, "zh") == chinese
    assert reason_text(english, "en") == english


def test_what_varies_is_carried_over_and_the_unknown_stays() -> None:
    assert reason_text("needs depth full", "zh") == "需要测量深度 full"
    assert reason_text("5 more streams are not plotted", "zh") == "另有 5 条流未绘制"
    assert reason_text("somebody else's sentence {x}", "zh") == "somebody else's sentence {x}"
