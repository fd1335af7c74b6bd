"""Why a verification came out as it did: stable codes, what each means for the verdict, and its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.language import Language, pick

Effect = Literal["invalid", "indeterminate", "note"]
KEPT_PER_CODE = 1000
"""Reasons of one code that are kept with their place; more are counted only."""


@dataclass(frozen=True)
class Meaning:
    """What a reason code does to the verdict, and language -> text."""

    effect: Effect
    text: Mapping[str, str]


def _meaning(effect: Effect, en: str, zh: str) -> Meaning:
    return Meaning(effect, {"en": en, "zh": zh})


REASONS: Mapping[str, Meaning] = {
    # Files of the dataset.
    "file_changed": _meaning("invalid", "file changed", "文件被改动"),
    "file_added": _meaning("invalid", "file added", "多出文件"),
    "file_removed": _meaning("invalid", "file removed", "缺少文件"),
    "file_renamed": _meaning("invalid", "file renamed", "文件被改名"),
    "unsafe_path": _meaning("invalid", "unsafe path", "不安全的路径"),
    "file_unreadable": _meaning("indeterminate", "file cannot be read", "文件无法读取"),
    # The attestation folder.
    "envelope_malformed": _meaning("invalid", "malformed signature envelope", "签名封装格式错误"),
    "signature_wrong": _meaning("invalid", "signature does not hold", "签名不成立"),
    "statement_malformed": _meaning("invalid", "malformed signed statement", "已签名的声明格式错误"),
    "folder_mismatch": _meaning("invalid", "attestation lies in the wrong folder", "声明所在文件夹不对应"),
    "evidence_missing": _meaning("invalid", "evidence file is missing", "缺少证据文件"),
    "evidence_unsafe": _meaning("invalid", "evidence is not a plain file", "证据不是普通文件"),
    "evidence_unreadable": _meaning("indeterminate", "evidence cannot be read", "证据无法读取"),
    "evidence_too_large": _meaning("indeterminate", "evidence larger than this tool reads", "证据超出可读大小"),
    "manifest_changed": _meaning("invalid", "manifest was changed after signing", "文件清单在签名后被改动"),
    "manifest_malformed": _meaning("invalid", "malformed manifest", "文件清单格式错误"),
    "merkle_root_wrong": _meaning("invalid", "Merkle root is not that of the manifest", "默克尔根与清单不符"),
    "facts_changed": _meaning("invalid", "facts were changed after signing", "测量事实在签名后被改动"),
    "facts_of_other_files": _meaning("invalid", "facts were measured on other files", "测量事实来自其他文件"),
    "report_changed": _meaning("invalid", "report was changed after signing", "报告在签名后被改动"),
    "report_says_otherwise": _meaning(
        "invalid", "report does not bear out the signed statement", "报告与已签名的声明不符"
    ),
    "report_not_reproduced": _meaning(
        "invalid", "judging the facts again gives another report", "重新评判得到不同的报告"
    ),
    "rejudge_impossible": _meaning("indeterminate", "the facts cannot be judged again here", "此处无法重新评判"),
    # Whether anybody vouches for it now.
    "no_attestation": _meaning("indeterminate", "no conformity attestation", "没有符合性声明"),
    "no_trusted_key": _meaning("indeterminate", "signed by no key that you trust", "签名密钥均不受信任"),
    "key_not_valid": _meaning("indeterminate", "the trusted key is not valid at this time", "受信密钥不在有效期内"),
    "statement_unknown": _meaning(
        "indeterminate", "statement of a type or version unknown to this tool", "本工具不认识的声明类型或版本"
    ),
    "not_yet_valid": _meaning("indeterminate", "issued in the future", "签发时间在将来"),
    "attestation_expired": _meaning("indeterminate", "conformity attestation has expired", "符合性声明已过期"),
    "too_many_attestations": _meaning("indeterminate", "more attestations than this tool reads", "声明数量超出限制"),
    # Said, but without weight.
    "layer_unattested": _meaning(
        "note", "annotation layer added after the attestation, not attested", "声明之后新增的标注层，未经声明"
    ),
    "envelope_ignored": _meaning("note", "further attestation not counted", "另有声明未计入"),
    "stray_evidence": _meaning("note", "not part of any attestation, not looked at", "不属于任何声明，未检查"),
}


@dataclass(frozen=True)
class Reason:
    """One thing that was found.

    Attributes:
        code: Key of `REASONS`.
        path: POSIX path relative to the dataset; empty where it is about no file.
        detail: What distinguishes it, in words that need no translation: a new path, a key id, a date.
    """

    code: str
    path: str = ""
    detail: str = ""

    @property
    def effect(self) -> Effect:
        """What it does to the verdict."""
        return REASONS[self.code].effect

    def text(self, lang: Language) -> str:
        """Its meaning in one language."""
        return pick(REASONS[self.code].text, lang)


@dataclass
class Findings:
    """Collects reasons, in bounded memory.

    Attributes:
        kept: The first `KEPT_PER_CODE` of each code.
        counts: Code -> how many there were.
    """

    kept: list[Reason] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, code: str, path: str = "", detail: str = "") -> None:
        """Note one reason."""
        self.counts[code] += 1
        if self.counts[code] <= KEPT_PER_CODE:
            self.kept.append(Reason(code, path, detail))

    def has(self, effect: Effect) -> bool:
        """Whether a reason of this effect was found."""
        return any(REASONS[code].effect == effect for code in self.counts)
