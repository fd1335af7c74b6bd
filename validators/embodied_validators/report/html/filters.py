"""The bar above a list: a button for each value of a property, a search, the number of rows that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from embodied_validators.report.html.markup import Child, Markup, both, element, text


def filter_bar(properties: Mapping[str, Sequence[tuple[str, Child]]], *more: Child) -> Markup:
    """The bar; a property with a single value has no buttons.

    Args:
        properties: Name of a property (`data-` attribute of the rows) -> values with what their button says.
        more: What else stands in the bar.
    """
    rows = [_buttons(name, dict(values)) for name, values in properties.items() if len(dict(values)) > 1]
    search = element(
        "label",
        "filter search",
        element("span", "label", text("filter.search")),
        element("input", {"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    return element("div", {"class": "filters"}, *rows, search, *more)


def shown_count(key: str, n: int) -> Markup:
    """How many rows are shown, which the page keeps right.

    Args:
        key: Sentence with `shown` before `total`.
        n: Rows.
    """
    return element(
        "span",
        {"class": "muted", "data-shown": True, "aria-live": "polite"},
        both(lambda words: words(key, shown=n, total=n)),
    )


def _buttons(name: str, values: Mapping[str, Child]) -> Markup:
    return element(
        "span",
        {"class": "filter", "data-filter": name, "role": "group"},
        element("span", "label", text(f"filter.{name}")),
        *(
            element("button", {"type": "button", "data-value": value, "aria-pressed": "true"}, label)
            for value, label in values.items()
        ),
    )
