"""Documents as rows: read strictly, counted against the standard, kept whole so that rules can read them."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_kit.canonical import MAX_DOCUMENT_BYTES, parse_json, rounded, sha256_hex
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import FieldCounts, count_fields


@dataclass(frozen=True)
class Document:
    """One document as it was found.

    Attributes:
        path: POSIX path in the dataset; for an embedded one the attachment's name.
        embedded_in: Path of the MCAP that carries it; empty for a file.
        value: The document; empty where it could not be read.
        problem: `ok`, `missing`, `unreadable`, or what is wrong with its JSON.
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

    @property
    def ok(self) -> bool:
        """Whether it could be read."""
        return self.problem == "ok"


def read_document(path: str, kind: str, episode: str, data: bytes | None, *, embedded_in: str = "") -> Document:
    """A document from its bytes.

    Args:
        data: None where the file exists and cannot be read.
    """
    if data is None:
        return Document(path, kind, episode, embedded_in, {}, "unreadable", "", "")
    if len(data) > MAX_DOCUMENT_BYTES:
        return Document(path, kind, episode, embedded_in, {}, "too_large", f"at most {MAX_DOCUMENT_BYTES} bytes", "")
    result = parse_json(data)
    value = result.value or {}
    return Document(path, kind, episode, embedded_in, value, result.problem or "ok", result.place, sha256_hex(data))


def missing_document(path: str, kind: str, episode: str) -> Document:
    """A document that has to be there and is not."""
    return Document(path, kind, episode, "", {}, "missing", "", "")


def document_row(document: Document) -> Row:
    """Its row of the table `document`."""
    counts = count_fields(document.kind, document.value) if document.ok else FieldCounts()
    row: dict[str, JsonValue] = {
        "path": document.path,
        "kind": document.kind,
        "episode": document.episode or None,
        "embedded_in": document.embedded_in or None,
        "parse": document.problem,
        "place": document.place,
        "sha256": document.sha256 or None,
        "value": rounded(document.value) if document.ok else None,
        "core_expected_n": counts.core_expected_n if document.ok else None,
        "core_missing_n": counts.core_missing_n if document.ok else None,
        "general_expected_n": counts.general_expected_n if document.ok else None,
        "general_missing_n": counts.general_missing_n if document.ok else None,
    }
    if not document.ok:
        reason = "the document could not be read" if document.problem != "missing" else "the document is missing"
        row["undetermined"] = {name: reason for name, value in row.items() if value is None and name.endswith("_n")}
    return row
