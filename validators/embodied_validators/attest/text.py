"""A verification as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from embodied_kit.episode.times import rfc3339
from embodied_kit.language import Language, pick
from embodied_kit.model.json import JsonObject
from embodied_validators.attest.reasons import REASONS, Effect, Reason
from embodied_validators.attest.statement import Statement
from embodied_validators.attest.verify import Verification

SHOWN_PER_CODE = 20
_WORDS: Mapping[str, Mapping[str, str]] = {
    "valid": {"en": "Conformity attestation VALID", "zh": "符合性声明：有效"},
    "invalid": {"en": "Conformity attestation INVALID", "zh": "符合性声明：无效"},
    "indeterminate": {"en": "Conformity attestation INDETERMINATE", "zh": "符合性声明：无法判定"},
    "dataset": {"en": "dataset", "zh": "数据集"},
    "level": {"en": "level", "zh": "级别"},
    "profile": {"en": "profile", "zh": "规则集"},
    "signed": {"en": "signed by", "zh": "签名"},
    "issued": {"en": "issued", "zh": "签发"},
    "until": {"en": "valid until", "zh": "有效期至"},
    "files": {"en": "files", "zh": "文件数"},
    "excluded": {"en": "excluded", "zh": "排除的片段"},
    "rejudged": {"en": "report judged again from the facts: the same", "zh": "已由测量事实重新评判：报告一致"},
    "more": {"en": "more", "zh": "更多"},
}
_MARKS: Mapping[Effect, str] = {"invalid": "FAIL", "indeterminate": "????", "note": "note"}
_ORDER: tuple[Effect, ...] = ("invalid", "indeterminate", "note")


def verification_text(verification: Verification, lang: Language) -> str:
    """Lines for a terminal: the verdict, what was signed by whom, then every reason with its path, worst first."""
    lines = [_word(verification.state, lang)]
    if verification.statement is not None:
        lines.extend(f"  {line}" for line in _signed(verification, verification.statement, lang))
    for code in sorted(verification.counts, key=lambda code: (_ORDER.index(REASONS[code].effect), code)):
        lines.extend(_reasons(code, verification, lang))
    return "\n".join(lines) + "\n"


def verification_document(verification: Verification) -> JsonObject:
    """JSON form: verdict, exit code, reasons with both texts, counts, and the signed predicate."""
    statement = verification.statement
    return {
        "schema_version": "1.0.0",
        "state": verification.state,
        "exit_code": verification.exit_code,
        "reasons": [_reason_value(reason) for reason in verification.reasons],
        "counts": verification.counts,
        "folder": verification.folder,
        "signers": [
            {"keyid": key.keyid, "name": key.name, "roles": list(key.roles)} for key in verification.signers
        ],
        "rejudged": verification.rejudged,
        "subject": None if statement is None else statement.subject,
        "manifest_sha256": None if statement is None else statement.manifest_sha256,
        "merkle_root": None if statement is None else statement.merkle_root,
        "predicate": None if statement is None else statement.predicate,
    }  # fmt: skip


def _signed(verification: Verification, statement: Statement, lang: Language) -> Iterator[str]:
    yield f"{_word('dataset', lang)}: {_shown(statement.subject)}"
    yield f"{_word('level', lang)}: {_shown(statement.level)}   {_word('profile', lang)}: {_shown(statement.profile)}"
    for key in verification.signers:
        yield f"{_word('signed', lang)}: {_shown(key.name)} ({', '.join(key.roles)}) {key.keyid[:16]}"
    issued, until = rfc3339(statement.issued_at_ns), rfc3339(statement.valid_until_ns)
    yield f"{_word('issued', lang)}: {issued}   {_word('until', lang)}: {until}"
    manifest, excluded = statement.predicate.get("manifest"), statement.predicate.get("excluded")
    if isinstance(manifest, Mapping) and isinstance(excluded, list):
        yield f"{_word('files', lang)}: {manifest.get('files_n')}   {_word('excluded', lang)}: {len(excluded)}"
    if verification.rejudged:
        yield _word("rejudged", lang)


def _reasons(code: str, verification: Verification, lang: Language) -> Iterator[str]:
    shown = [reason for reason in verification.reasons if reason.code == code][:SHOWN_PER_CODE]
    for reason in shown:
        arrow = " -> " if code == "file_renamed" else "  "
        rest = arrow.join(_shown(part) for part in (reason.path, reason.detail) if part)
        yield (
            f"{_MARKS[reason.effect]}  {reason.text(lang)}: {rest}"
            if rest
            else (f"{_MARKS[reason.effect]}  {reason.text(lang)}")
        )
    hidden = verification.counts[code] - len(shown)
    if hidden:
        yield f"      ... {hidden} {_word('more', lang)}"


def _reason_value(reason: Reason) -> JsonObject:
    return {
        "code": reason.code,
        "effect": reason.effect,
        "path": reason.path,
        "detail": reason.detail,
        "text": {"en": reason.text("en"), "zh": reason.text("zh")},
    }


def _word(name: str, lang: Language) -> str:
    return pick(_WORDS[name], lang)


def _shown(text: str) -> str:
    """Text with every character that a terminal would act on written as its code."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
