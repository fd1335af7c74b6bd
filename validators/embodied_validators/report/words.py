"""The sentences of a report in both languages, from one catalogue (messages.yaml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeAlias, cast

from embodied_kit.language import Language
from embodied_kit.model.json import JsonValue
from embodied_kit.phrases import Phrases
from embodied_kit.spec import standard
from embodied_kit.spec.strict_yaml import load_yaml
from embodied_validators.judge.reasons import REASONS

LANGUAGES: tuple[Language, ...] = ("en", "zh")
Text: TypeAlias = Mapping[str, str]
_UNREADABLE = REASONS["document_unreadable"][0].format(a="")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Text]:
    """Message id -> language -> text with `{placeholders}`."""
    return cast("Mapping[str, Text]", _load("messages.yaml"))


@lru_cache(maxsize=1)
def _reasons() -> Phrases:
    texts = cast("Sequence[Text]", _load("reasons.yaml"))
    return Phrases([*REASONS.values(), *((text["en"], text["zh"]) for text in texts)])


def _load(name: str) -> JsonValue:
    return load_yaml(files("embodied_validators.report").joinpath(name).read_bytes())


def term(vocabulary: str, code: str) -> Text:
    """Language -> label of a word of the standard's vocabularies."""
    return standard().vocabulary(vocabulary).label(code)


def reason_text(reason: str, lang: Language) -> str:
    """A stable English reason in the reader's language; itself where nobody has translated it."""
    before, colon, code = reason.partition(_UNREADABLE)
    if colon and not before and code in standard().vocabulary("parse_state").codes:
        reason = _UNREADABLE + term("parse_state", code)[lang]
    return _reasons().translate(reason) if lang == "zh" else reason


@dataclass(frozen=True)
class Words:
    """The catalogue in one language.

    Attributes:
        lang: Language of every sentence.
    """

    lang: Language

    def __call__(self, key: str, **values: str | int) -> str:
        """One sentence with its placeholders filled; KeyError where the id or a placeholder is unknown."""
        return catalogue()[key][self.lang].format(**values)

    def count(self, key: str, n: int) -> str:
        """A counted noun: `1 episode`, `3 episodes`."""
        return self(f"{key}.{'one' if n == 1 else 'other'}", n=n)

    def join(self, items: list[str]) -> str:
        """Words of a list with the language's own comma."""
        return ("、" if self.lang == "zh" else ", ").join(items)
