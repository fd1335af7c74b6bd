"""The context of a judgement: date, recipient, purpose, ledger, and the dated tables that are in force on that date."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

from embodied_kit.canonical import canonical_bytes, parse_json, sha256_hex
from embodied_kit.errors import DataError, UsageError
from embodied_kit.measure.declared.jsonget import get_bool, get_object, get_text
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context
from embodied_kit.spec import load_yaml, standard

_MAX_BYTES = 2**20
_NS_PER_S = 1_000_000_000
_LEDGER_KEYS = {"exporter", "year", "persons", "sensitive_persons", "dataset_ids"}
_RECIPIENT_KEYS = {"id", "country", "gba_member"}


@dataclass(frozen=True)
class Recipient:
    """Who would receive the data.

    Attributes:
        recipient_id: As in allowed_recipients of governance.json.
        country: Country or region, ISO 3166-1 alpha-2; empty where it is not known.
        gba: Whether it is within the scope of the Greater Bay Area contract; None where it is not known.
    """

    recipient_id: str = ""
    country: str = ""
    gba: bool | None = None


def make_context(
    as_of_ns: int, recipient: Recipient | None = None, purpose: str = "", ledger: JsonObject | None = None
) -> Context:
    """A context with the tables in force on its date.

    Args:
        as_of_ns: ns since the Unix epoch.
        recipient: None for nobody in particular.
        purpose: A word of the vocabulary `consent_scope`; empty for none.
        ledger: The exporter's yearly totals; None where it is not given.
    """
    who = recipient or Recipient()
    return Context(
        as_of_ns=as_of_ns,
        recipient=who.recipient_id,
        purpose=purpose,
        recipient_country=who.country,
        recipient_gba=who.gba,
        ledger=ledger,
        tables=tables_in_force(as_of_ns),
    )


def tables_in_force(as_of_ns: int) -> Mapping[str, JsonObject]:
    """Name of the file -> table: of each kind the newest that was in force on the date (UTC)."""
    day = datetime.fromtimestamp(as_of_ns // _NS_PER_S, timezone.utc).date().isoformat()
    newest: dict[str, str] = {}
    for name, table in _tables().items():  # sorted by name, which ends in the date
        if get_text(table, "in_force") <= day:
            newest[get_text(table, "table_id")] = name
    return {name: _tables()[name] for name in sorted(newest.values())}


def signed_context(signed: JsonObject, ledger: JsonObject | None = None) -> Context:
    """The context that an attestation names.

    Args:
        signed: `context` of its predicate.
        ledger: The ledger, where one was used: only its digest was signed.

    Raises:
        DataError: The ledger or a table at hand is not the one that was signed.
    """
    if _digest(ledger) != signed.get("ledger_sha256"):
        raise DataError("expected the ledger that was signed, got another or none", remedy="--ledger FILE")
    named = get_object(signed, "tables")
    for name, digest in named.items():
        if _digest(_tables().get(name)) != digest:
            raise DataError(f"expected the table {name} that was signed, got another or none")
    return Context(
        as_of_ns=int(get_text(signed, "as_of_ns")),
        recipient=get_text(signed, "recipient"),
        purpose=get_text(signed, "purpose"),
        recipient_country=get_text(signed, "recipient_country"),
        recipient_gba=get_bool(signed, "recipient_gba"),
        ledger=ledger,
        tables={name: _tables()[name] for name in named},
    )


def read_recipient(text: str) -> Recipient:
    """A recipient by its id, or by a JSON file `{"id", "country", "gba_member"}`.

    Raises:
        UsageError: The file cannot be read or holds something else.
    """
    if not text or not Path(text).is_file():
        return Recipient(text)
    value = _read(Path(text), _RECIPIENT_KEYS, {"id"})
    return Recipient(get_text(value, "id"), get_text(value, "country"), get_bool(value, "gba_member"))


def read_ledger(path: Path) -> JsonObject:
    """The exporter's totals of one year.

    A JSON file `{"exporter", "year", "persons", "sensitive_persons", "dataset_ids"}`: persons without and with
    sensitive information since 1 January, each once; `dataset_ids` are the datasets that are counted already.

    Raises:
        UsageError: The file cannot be read or holds something else.
    """
    value = _read(path, _LEDGER_KEYS, _LEDGER_KEYS - {"dataset_ids"})
    for name in ("year", "persons", "sensitive_persons"):
        number = value[name]
        if type(number) is not int or number < 0:
            raise UsageError(f"{path.name}: expected a whole number as {name}, got {number!r}")
    return value


def _read(path: Path, known: set[str], needed: set[str]) -> JsonObject:
    try:
        result = parse_json(path.read_bytes(), max_bytes=_MAX_BYTES)
    except OSError as error:
        raise UsageError(f"expected a JSON file, got {path}: {error.strerror}") from error
    value = result.value
    if value is None:
        raise UsageError(f"{path.name}: expected a JSON object, got {result.problem}")
    if set(value) - known or needed - set(value):
        raise UsageError(f"{path.name}: expected the fields {', '.join(sorted(known))}, got {', '.join(sorted(value))}")
    return value


def _digest(value: JsonObject | None) -> str | None:
    return None if value is None else sha256_hex(canonical_bytes(value))


@functools.cache
def _tables() -> Mapping[str, JsonObject]:
    return {path.stem: cast("JsonObject", load_yaml(path.read_bytes())) for path in standard().table_files()}
