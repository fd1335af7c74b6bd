"""What was found where, while texts pass by; bounded whatever passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.measure.rows import make_row
from embodied_kit.measure.text.finder import find
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import standard

MAX_LETTERS = 64 * 2**20
MAX_PLACES = 1024
_KEPT_TEXTS = 4096
_KEPT_LETTERS = 512
_KEPT_TABLES = 64
_TABLE_TEXTS = 512
_SHOWN = 200
TOO_MUCH = "there is more text than is searched"
CONTACT_FIELDS = ("/incident_contact", "/consent_withdrawal_channel")
"""Fields of governance.json that are there to be written to: an office, by their description."""
_LATITUDE, _LONGITUDE = ("lat", "latitude"), ("lon", "lng", "longitude")


@dataclass(frozen=True, order=True)
class TextPlace:
    """Where a text stands: every part that applies.

    Attributes:
        source: Word of the vocabulary `text_source`.
        path: File, or `file#attachment`.
        pointer: JSON pointer in a document.
        stream, field: Topic and field of messages.
    """

    source: str
    path: str = ""
    pointer: str = ""
    stream: str = ""
    field: str = ""


class TextLog:
    """Counts by place and kind of one unit."""

    def __init__(self) -> None:
        self._counts: dict[TextPlace, Counter[str]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._seen_tables: set[tuple[str, tuple[str, ...]]] = set()
        self._left = MAX_LETTERS
        self.overflowed = False

    def add(self, place: TextPlace, text: str, *, without: Sequence[str] = ()) -> None:
        """Search one text.

        Args:
            place: Where it stands.
            text: Cut where the unit holds more text than is searched.
            without: Kinds that mean nothing there.
        """
        if len(text) > self._left:
            text, self.overflowed = text[: self._left], True
        self._left -= len(text)
        found = find(text)
        for kind in without:
            del found[kind]
        if found:
            self.count(place, found)

    def count(self, place: TextPlace, found: Mapping[str, int]) -> None:
        """Count what was found at a place."""
        if place not in self._counts and len(self._counts) >= MAX_PLACES:
            self.overflowed = True
            return
        self._counts.setdefault(place, Counter()).update(found)

    def add_messages(self, stream: str, field: str, texts: tuple[str, ...]) -> None:
        """Search texts of one field of messages; one that was searched before is not counted again."""
        if (field, texts) in self._seen_tables:
            return
        for text in texts:
            short = len(text) <= _KEPT_LETTERS
            if short and (field, text) in self._seen:
                continue
            if short and len(self._seen) < _KEPT_TEXTS:
                self._seen.add((field, text))
            self.add(TextPlace("message", stream=stream, field=field), text)
        small = len(texts) <= _TABLE_TEXTS and len(self._seen_tables) < _KEPT_TABLES
        if small and self._seen.issuperset((field, text) for text in texts):
            self._seen_tables.add((field, texts))

    def add_document(self, path: str, value: JsonObject) -> None:
        """Search every key, text and pair of coordinates of a document."""
        for pointer, item in _walk(value, ""):
            if isinstance(item, str) and not pointer.endswith("_ns"):  # eleven digits of time are no telephone
                self.add(TextPlace("document", path, pointer), item)
            elif isinstance(item, Mapping):
                self.add(TextPlace("document", path, pointer), "\n".join(item))
                if _has_number(item, _LATITUDE) and _has_number(item, _LONGITUDE):
                    self.count(TextPlace("document", path, pointer), {"location": 1})

    def rows(self, part: str, episode: str | None, incomplete: str = "") -> list[Row]:
        """A row a place and kind where something was found, and one a kind that was found nowhere but in contacts.

        Args:
            part: Of the unit that was searched: `documents` or `recordings`.
            episode: Episode of the unit; None for the dataset and for a bare file.
            incomplete: Why not all text was searched; what was found nowhere is then not known to be absent.
        """
        why = TOO_MUCH if self.overflowed else incomplete
        totals: Counter[str] = Counter()
        rows: list[Row] = []
        for place, found in sorted(self._counts.items()):
            for kind, number in sorted(found.items()):
                contact = kind in ("email", "phone") and place.pointer in CONTACT_FIELDS
                totals[kind] += 0 if contact else number
                rows.append(_row(place, kind, number, episode, contact=contact))
        nowhere = [str(code) for code in standard().vocabulary("text_kind").codes if not totals[str(code)]]
        return rows + [_row(TextPlace("unit", part), kind, None if why else 0, episode, why=why) for kind in nowhere]


def _row(
    place: TextPlace, kind: str, count: int | None, episode: str | None, *, contact: bool = False, why: str = ""
) -> Row:
    values: dict[str, JsonValue] = {
        "where": place.source,
        "path": place.path,
        "pointer": place.pointer,
        "stream": place.stream,
        "field": place.field[:_SHOWN],
        "kind": kind,
        "contact": contact,
        "count": count,
    }
    return make_row("text", values, episode=episode, reasons={"count": why} if why else None)


def _walk(value: JsonValue, pointer: str) -> Iterator[tuple[str, JsonValue]]:
    """Every value below one, itself included; a pointer holds only keys in which nothing was found."""
    pending = [(pointer, value)]
    while pending:
        at, item = pending.pop()
        yield at, item
        if isinstance(item, Mapping):
            pending.extend((f"{at}/{_part(key)}", inner) for key, inner in item.items())
        elif isinstance(item, Sequence) and not isinstance(item, str):
            pending.extend((f"{at}/{index}", inner) for index, inner in enumerate(item))


def _part(key: str) -> str:
    """A key as part of a pointer (RFC 6901); one that itself tells something is not repeated."""
    return "…" if find(key) else key.replace("~", "~0").replace("/", "~1")[:_SHOWN]


def _has_number(item: JsonObject, names: Sequence[str]) -> bool:
    return any(isinstance(value, float) and key.lower() in names for key, value in item.items())
