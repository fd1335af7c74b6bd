"""Two languages on the command line: each text stands once, in both, where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embodied_kit.language import Language, pick


@dataclass(frozen=True)
class Texts:
    """Chooses between an English and a Chinese text; passed to whatever prints."""

    language: Language

    def __call__(self, en: str, zh: str) -> str:
        """The text in the reader's language."""
        return zh if self.language == "zh" else en

    def of(self, texts: Mapping[str, str]) -> str:
        """The text of a record that holds both."""
        return pick(texts, self.language)
