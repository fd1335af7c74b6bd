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


def columns(text: str) -> int:
    """Columns that a text takes in a terminal; a Chinese character takes two."""
    from rich.cells import cell_len  # noqa: PLC0415  # --help needs none of it

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """A text and the spaces that fill its column of a table."""
    return text + " " * (width - columns(text))
