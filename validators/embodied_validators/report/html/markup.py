"""HTML that is escaped by construction: text becomes markup only through `element` or `raw`."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from embodied_kit.language import pick
from embodied_validators.report.quantity import visible
from embodied_validators.report.words import LANGUAGES, Text, Words

_VOID = frozenset({"meta", "img", "input", "br"})


@dataclass(frozen=True)
class Markup:
    """Text that is HTML already.

    Attributes:
        text: The markup.
    """

    text: str


Child = Markup | str | None


def element(tag: str, attributes: Mapping[str, str | bool] | str | None = None, *children: Child) -> Markup:
    """One element; strings among its children are text and are escaped.

    Args:
        tag: Name of the element.
        attributes: Name -> value, `True` for one without value, `False` to leave it out; a bare string is the class.
        children: Markup, text or None for nothing.
    """
    named = {"class": attributes} if isinstance(attributes, str) else attributes or {}
    written = "".join(_attribute(name, value) for name, value in named.items() if value is not False)
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(*children).text}</{tag}>")


def join(*children: Child) -> Markup:
    """Markup and escaped text one behind the other."""
    return Markup("".join(child.text if isinstance(child, Markup) else escape(child or "") for child in children))


def escape(text: str) -> str:
    """Text as HTML shows it, characters that cannot be seen spelt out."""
    return html.escape(visible(text), quote=True)


def both(say: Callable[[Words], Child]) -> Markup:
    """What is said in each language; the page shows the one that is chosen, and both only where they differ."""
    said = {lang: join(say(Words(lang))).text for lang in LANGUAGES}
    if said["en"] == said["zh"]:
        return Markup(said["en"])
    english, chinese = said["en"], said["zh"]
    return Markup(f'<span class="en" lang="en">{english}</span><span class="zh" lang="zh-CN">{chinese}</span>')


def text(key: str, **values: str | int) -> Markup:
    """A sentence of the catalogue in both languages."""
    return both(lambda words: words(key, **values))


def texts(found: Text) -> Markup:
    """A text that a rule or vocabulary carries in both languages."""
    return both(lambda words: pick(found, words.lang))


def _attribute(name: str, value: str | bool) -> str:
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
