"""Sentences told in another language: a catalogue of templates whose `{placeholders}` stand for what varies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MAX_DEPTH = 4  # sentences that quote a sentence
_QUOTES = ("'", '"')
MIN_LETTERS = 4
"""Letters of its own that a template needs to be looked for inside a placeholder: fewer would match foreign names."""


@dataclass(frozen=True)
class _Template:
    """Literal texts with a placeholder between each two, and the translation of the whole."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    translation: str

    @property
    def letters(self) -> int:
        """Letters of its own."""
        return sum(map(str.isalpha, "".join(self.literals)))

    def match(self, sentence: str) -> dict[str, str] | None:
        """Placeholder -> its text, each as short as can be; None where the sentence is another. Linear in time."""
        first, last = self.literals[0], self.literals[-1]
        if not self.names:
            return {} if sentence == first else None
        end = len(sentence) - len(last)
        if end < len(first) or not sentence.startswith(first) or not sentence.endswith(last):
            return None
        found: dict[str, str] = {}
        begin = len(first)
        for name, literal in zip(self.names, self.literals[1:-1], strict=False):
            at = sentence.find(literal, begin, end)
            if at < 0:
                return None
            found[name] = sentence[begin:at]
            begin = at + len(literal)
        return found | {self.names[-1]: sentence[begin:end]}


class Phrases:
    """A catalogue of sentences; of several that match, the one with the most literal text is taken.

    What stands in a placeholder is translated too where it is itself a sentence of the catalogue (one error quotes
    another); a text in quotes is foreign and stays.

    Args:
        entries: Template and translation; both have the same placeholders, each once in the template.
        parts: The same for what is no sentence of its own and only stands in placeholders.
    """

    def __init__(self, entries: Iterable[tuple[str, str]], parts: Iterable[tuple[str, str]] = ()) -> None:
        self._whole = _by_length(_template(*entry) for entry in entries)
        inner = (*self._whole, *(_template(*entry) for entry in parts))
        self._inner = _by_length(each for each in inner if each.letters >= MIN_LETTERS)

    def translate(self, sentence: str) -> str:
        """The translation; the sentence itself where no template matches it."""
        return self._told(sentence, self._whole, _MAX_DEPTH)

    def _told(self, sentence: str, templates: Sequence[_Template], depth: int) -> str:
        for template in templates:
            values = template.match(sentence)
            if values is not None:
                return _filled(template.translation, {name: self._quoted(text, depth) for name, text in values.items()})
        return sentence

    def _quoted(self, text: str, depth: int) -> str:
        return text if depth == 0 or text.startswith(_QUOTES) else self._told(text, self._inner, depth - 1)


def _template(sentence: str, translation: str) -> _Template:
    parts = _PLACEHOLDER.split(sentence)
    return _Template(tuple(parts[::2]), tuple(parts[1::2]), translation)


def _by_length(templates: Iterable[_Template]) -> list[_Template]:
    return sorted(templates, key=lambda template: -sum(map(len, template.literals)))


def _filled(translation: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], translation)
