"""The messages and remedies of our errors in Chinese; the catalogue is read when the first of them is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import cast

from embodied_kit.cli.texts import Texts
from embodied_kit.phrases import Phrases

_CATALOGUE = "errors.zh.yaml"


def told(sentence: str, texts: Texts) -> str:
    """A message or remedy in the reader's language; in English where the catalogue lacks it or cannot be read."""
    if texts.language != "zh":
        return sentence
    try:
        return _phrases().translate(sentence)
    except OSError:  # telling an error must not raise another: too many open files, say
        return sentence


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Sequence[Mapping[str, str]]]:
    """`sentences`, `parts` of them and what the `system` says -> entries of English (`en`) and Chinese (`zh`)."""
    from embodied_kit.spec.strict_yaml import load_yaml  # noqa: PLC0415  # English needs none of it

    data = load_yaml(files("embodied_kit.cli").joinpath(_CATALOGUE).read_bytes())
    return cast("Mapping[str, Sequence[Mapping[str, str]]]", data)


@lru_cache(maxsize=1)
def _phrases() -> Phrases:
    return Phrases(_entries("sentences"), (*_entries("parts"), *_entries("system")))


def _entries(group: str) -> Iterator[tuple[str, str]]:
    return ((entry["en"], entry["zh"]) for entry in catalogue()[group])
