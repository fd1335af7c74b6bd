"""An instant verdict in words: the level, what failed with place and fix, worst first, what is undecided."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from embodied_kit.cli.texts import Texts
from embodied_kit.model.rule import LEVELS

if TYPE_CHECKING:
    from embodied_recorders.loop.beside import Verdict, VerdictLine

_MOST_LINES = 8
_MOST_RULES = 6
_WHOLE = r"(?:`[^`]*`|\([^()]*\)|（[^（）]*）|.)*?"  # a command or an aside is never cut
_SENTENCE = {"en": rf"{_WHOLE}(?=[.;]\s|[.;]?$)", "zh": rf"{_WHOLE}(?=[。；]|$)"}


def verdict_lines(name: str, verdict: Verdict, texts: Texts, *, told: Sequence[str] = ()) -> list[str]:
    """Lines to print.

    Args:
        name: What the take is called in them, e.g. `Take 2`.
        verdict: Of the take.
        texts: Language.
        told: Rules whose failure an earlier verdict on this take has told already.
    """
    if verdict.problem:
        return [texts(f"{name}: no verdict: ", f"{name}：无校验结果：") + texts.of(verdict.problem)]
    after = f"{verdict.seconds:.1f}"
    head = texts(f"{name}: verdict after {after} s: ", f"{name}：{after} 秒后校验结果：") + _standing(verdict, texts)
    new = [line for line in verdict.failed if line.rule not in told]
    lines = [head, *(_failed(line, texts) for line in new[:_MOST_LINES])]
    if rest := new[_MOST_LINES:]:
        lines.append(texts("  FAIL also: ", "  不符合，另有：") + _rules(rest, texts))
    if verdict.whole and verdict.warned:
        lines.append(texts("  warn ", "  警告 ") + _titles(verdict.warned, texts))
    if verdict.whole and verdict.undetermined:
        lines.append(texts("  undecided ", "  未判定 ") + _titles(verdict.undetermined, texts))
    return lines


def _standing(verdict: Verdict, texts: Texts) -> str:
    """The level reached; before everything was looked at, the highest one that is still open."""
    n = len(verdict.undetermined)
    if verdict.whole:
        reached = verdict.level or texts("no level", "未达到任何级别")
        if not verdict.failed:
            return texts(f"{reached}; no rule failed", f"{reached}；没有不符合的规则")
        return texts(f"{reached}; failed: ", f"{reached}；不符合：") + _rules(verdict.failed, texts)
    least = min((LEVELS.index(line.level) for line in verdict.failed if line.level in LEVELS), default=len(LEVELS))
    best = LEVELS[least - 1] if least else ""
    open_ = texts(f"{best} still possible", f"仍可能达到 {best}") if best else texts("no level", "未达到任何级别")
    wait = texts(f"{n} rules undecided so far", f"{n} 条规则尚未判定")
    return texts(f"{open_}; {wait}", f"{open_}；{wait}")


def _failed(line: VerdictLine, texts: Texts) -> str:
    """`  FAIL TM-07 Lost frames (needed for L2)  cam_front 0.02 s  -> what to do`."""
    level = texts(f" (needed for {line.level})", f"（{line.level} 所需）") if line.level else ""
    parts = [
        f"  {texts('FAIL', '不符合')} {line.rule} {texts.of(line.title)}{level}",
        line.place,
        f"-> {_first_sentence(line.fix, texts)}",
    ]
    return "  ".join(part for part in parts if part)


def _first_sentence(fix: Mapping[str, str], texts: Texts) -> str:
    found = re.match(_SENTENCE[texts.language], texts.of(fix), re.DOTALL)
    return found.group().strip() if found else ""


def _titles(lines: Sequence[VerdictLine], texts: Texts) -> str:
    shown = texts(", ", "、").join(f"{line.rule} {texts.of(line.title)}" for line in lines[:_MOST_RULES])
    more = len(lines) - _MOST_RULES
    return shown + (texts(f" and {more} more", f" 等 {len(lines)} 条") if more > 0 else "")


def _rules(lines: Sequence[VerdictLine], texts: Texts) -> str:
    return texts(", ", "、").join(line.rule for line in lines)
