"""The reader's language: English or Chinese."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

from embodied_kit.errors import UsageError

Language = Literal["en", "zh"]
Texts: TypeAlias = Mapping[str, str]
"""What people read, in every language: language -> text."""
LANGUAGE_VARIABLE = "EMBODIED_KIT_LANG"


def language(explicit: str | None = None) -> Language:
    """Language to speak: the given one, else EMBODIED_KIT_LANG, else the locale's, else English.

    Args:
        explicit: Value of `--lang`; `zh`, `zh-CN`, `zh_CN.UTF-8` and the like are all Chinese.

    Raises:
        UsageError: The given or EMBODIED_KIT_LANG's language is neither English nor Chinese.
    """
    for origin, wish in (("--lang", explicit), (LANGUAGE_VARIABLE, os.environ.get(LANGUAGE_VARIABLE))):
        if wish:
            known = _known(wish)
            if known is None:
                raise UsageError(f"expected en or zh from {origin}, got '{wish}'")
            return known
    return _known(_locale()) or "en"


def pick(texts: Mapping[str, str], lang: Language) -> str:
    """Text in the wished language, else in English, else in any; empty where there is none."""
    return texts.get(lang) or texts.get("en") or next(iter(texts.values()), "")


def _known(word: str) -> Language | None:
    short = word[:2].lower()
    if len(word) > 2 and word[2] not in "-_.@":
        return None
    return "zh" if short == "zh" else "en" if short == "en" else None


def _locale() -> str:
    """Locale name for messages, in POSIX's order of precedence; the platform's own where none is set."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name]
    return locale.getlocale()[0] or ""
