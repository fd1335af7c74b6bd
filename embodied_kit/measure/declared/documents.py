"""Documents as rows: read strictly, counted against the standard, kept whole so that rules can read them."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_kit.canonical import MAX_DOCUMENT_BYTES, MAX_VALUES, parse_json, sha256_hex
from embodied_kit.episode.layout import CAPTURE_JSON, CLOSING_JSON
from embodied_kit.measure.places.walk import document_kind
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import count_fields


@dataclass(frozen=True)
class Document:
    """One document as it was found.

    Attributes:
        path: POSIX path in the dataset; for an embedded one the attachment's name.
        embedded_in: Path of the MCAP that carries it; empty for a file.
        value: The document; empty where it could not be read.
        problem: `ok`, `missing` (also: not a file that can be read) or what is wrong with its JSON.
        sha256: Of its bytes; empty where it has none.
    """

    path: str
    kind: str
    episode: str
    embedded_in: str
    value: JsonObject
    problem: str
    place: str
    sha256: str
    values_n: int = 0

    @property
    def ok(self) -> bool:
        """Whether it could be read."""
        return self.problem == "ok"


def document_kind_of_attachment(name: str) -> str:
    """Kind of document that an attachment of a data file is; empty for any other attachment."""
    if name in (CAPTURE_JSON, CLOSING_JSON):
        return name.removesuffix(".json")
    return "calibration" if document_kind(name) == "calibration" else ""


def read_document(
    path: str,
    kind: str,
    episode: str,
    data: bytes | None,
    *,
    embedded_in: str = "",
    max_values: int = MAX_VALUES,
) -> Document:
    """A document from its bytes.

    Args:
        path: As facts name it.
        kind: Of document.
        episode: Episode that it belongs to; empty for none.
        data: None where the file exists and cannot be read.
        embedded_in: Path of the MCAP that carries it; empty for a file.
        max_values: As `parse_json` takes it.
    """
    if data is None:
        return Document(path, kind, episode, embedded_in, {}, "missing", "not a file that can be read", "")
    if len(data) > MAX_DOCUMENT_BYTES:
        return Document(path, kind, episode, embedded_in, {}, "too_large", f"at most {MAX_DOCUMENT_BYTES} bytes", "")
    result = parse_json(data, max_values=max_values)
    value, problem = result.value or {}, result.problem or "ok"
    return Document(path, kind, episode, embedded_in, value, problem, result.place, sha256_hex(data), result.values_n)


def missing_document(path: str, kind: str, episode: str) -> Document:
    """A document that has to be there and is not."""
    return Document(path, kind, episode, "", {}, "missing", "", "")


def document_row(document: Document) -> Row:
    """Its row of the table `document`."""
    values: dict[str, JsonValue] = {
        "path": document.path,
        "embedded_in": document.embedded_in or None,
        "kind": document.kind,
        "parse": document.problem,
        "place": document.place,
        "sha256": document.sha256 or None,
    }
    if document.ok:
        values |= {"value": document.value, **vars(count_fields(document.kind, document.value))}
    reason = "the document is missing" if document.problem == "missing" else "the document cannot be read"
    names = ("value", "core_expected_n", "core_missing_n", "general_expected_n", "general_missing_n")
    return make_row("document", values, episode=document.episode or None, reasons=dict.fromkeys(names, reason))
