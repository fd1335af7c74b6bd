"""A plan as text: what is repaired and why, and the change of each document as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from embodied_kit.language import Language
from embodied_kit.visible import visible_json
from embodied_validators.fix.plan import FixedDocument

_NOTHING = {"en": "no safe fix: nothing can be derived", "zh": "没有可安全修复之处：无法由数据推导"}
_DRY = {
    "en": "dry run: nothing was written; add --write to write {0} documents",
    "zh": "试运行：未写入任何内容；加上 --write 写入 {0} 个文档",
}
_WRITTEN = {"en": "written: {0} documents", "zh": "已写入 {0} 个文档"}
_MARK = {"en": "<byte order mark>", "zh": "<字节顺序标记>"}


def fixes_text(planned: Sequence[FixedDocument], language: Language, *, written: bool) -> str:
    """For people, with a final newline.

    Args:
        planned: What can be repaired.
        language: Of the sentences.
        written: Whether it has been written, or only could be.
    """
    if not planned:
        return _NOTHING[language] + "\n"
    blocks = [_block(item, language) for item in planned]
    return "".join(blocks) + (_WRITTEN if written else _DRY)[language].format(len(planned)) + "\n"


def _block(item: FixedDocument, language: Language) -> str:
    lines = [f"{','.join(fix.rules)}  {fix.title[language]}: {fix.why[language]}\n" for fix in item.fixes]
    before, after = (_lines(data, language) for data in (item.before, item.after))
    diff = difflib.unified_diff(before, after, f"a/{item.path}", f"b/{item.path}")
    return "".join([*lines, *(line if line.endswith("\n") else line + "\n" for line in diff)])


def _lines(data: bytes, language: Language) -> list[str]:
    """Lines with what a terminal would obey spelt out; a byte order mark is named."""
    text = data.decode("utf-8", "backslashreplace")
    marked = _MARK[language] + text[1:] if text.startswith("\ufeff") else text
    return visible_json(marked.encode()).decode().splitlines(keepends=True)
