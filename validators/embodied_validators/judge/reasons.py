"""The judge's own sentences: English is the stable form that reports carry, Chinese is for reading."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from embodied_kit.phrases import Phrases

REASONS: dict[str, tuple[str, str]] = {
    "column_unknown": ("{a} is not known", "{a} 未知"),
    "not_measured": ("{a} was not measured", "{a} 未测量"),
    "table_depth": ("the table {a} is not measured at depth {b}", "深度 {b} 不测量表 {a}"),
    "table_absent": ("the table {a} was not measured", "表 {a} 未测量"),
    "no_rule": ("this tool does not carry the rule", "本工具没有该规则"),
    "raised": ("the rule raised {a}", "规则执行时抛出 {a}"),
    "context_unknown": ("the context does not say {a}", "判定环境未给出 {a}"),
    "evidence_absent": ("the evidence that the rule asks for is absent", "缺少规则要求的证据"),
    "document_missing": ("the document is missing", "文档缺失"),
    "document_unreadable": ("the document cannot be read: {a}", "文档无法读取：{a}"),
    "see_rule": ("the {a} document cannot be judged, see {b}", "{a} 文档无法判定，见 {b}"),
    "no_document": ("the {a} document cannot be judged", "{a} 文档无法判定"),
    "required": ("a required field is missing", "缺少必填字段"),
    "type": ("the value is of another type", "值的类型不符"),
    "allowed": ("the value is none of the allowed ones", "值不在允许范围内"),
    "form": ("the text has not the required form", "文本格式不符"),
    "size": ("the value is too short, too long, or has too few or too many parts", "值过短、过长或项数不符"),
    "number": ("the number is outside its limit", "数值超出限值"),
    "unknown_field": ("the field is not known and has no prefix x_", "未知字段，且没有 x_ 前缀"),
    "schema": ("the JSON Schema keyword {a} is not satisfied", "不满足 JSON Schema 关键字 {a}"),
}
_BY_KEYWORD = {
    "required": "required",
    "type": "type",
    "enum": "allowed",
    "const": "allowed",
    "not": "allowed",
    "pattern": "form",
    "format": "form",
    "minLength": "size",
    "maxLength": "size",
    "minItems": "size",
    "maxItems": "size",
    "minProperties": "size",
    "maxProperties": "size",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "unevaluatedProperties": "unknown_field",
    "additionalProperties": "unknown_field",
}


def reason(key: str, a: str = "", b: str = "") -> str:
    """English sentence of a key of REASONS."""
    return REASONS[key][0].format(a=a, b=b)


def schema_reason(keyword: str) -> str:
    """English sentence for a JSON Schema keyword that a document does not satisfy."""
    return reason(_BY_KEYWORD[keyword]) if keyword in _BY_KEYWORD else reason("schema", keyword)


def reason_text(text: str, lang: Literal["en", "zh"]) -> str:
    """A reason in the reader's language; one that is not the judge's own stays as it is."""
    return _phrases().translate(text) if lang == "zh" else text


@lru_cache(maxsize=1)
def _phrases() -> Phrases:
    return Phrases(REASONS.values())
