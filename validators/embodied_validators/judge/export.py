"""Which way out of the country a dated table allows: the first row whose conditions all hold, and what nobody declared.

The table is data (`schemas/v1/tables/export-*.yaml`), since it changes with the law; here is only how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from embodied_kit.measure.declared.jsonget import get_bool, get_number, get_object, get_objects, get_text, get_texts
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Context

CHINA = timezone(timedelta(hours=8))
"""Calendar in which totals are counted and documents expire."""
_NS_PER_S = 1_000_000_000
NO_TABLE = "no table is in force on the date of the context"
NO_LEDGER = "the exporter's ledger was not given"
OTHER_LEDGER = "the ledger is of another exporter or year"
_NOT_DECLARED = {
    "data_level": "governance.json does not declare data_level",
    "personal_info": "governance.json does not declare contains_personal_info",
    "critical_infrastructure": "governance.json does not declare whether the exporter runs critical infrastructure",
    "recipient_gba": "the context does not say recipient_gba",
    "persons": NO_LEDGER,
    "sensitive_persons": NO_LEDGER,
}
_ON_PAPER = ("standard_contract", "certification", "gba_standard_contract", "security_assessment")


@dataclass(frozen=True)
class Decision:
    """What the table says.

    Attributes:
        row: Id of the row that applies; empty where that is not known.
        allowed: Mechanisms that it allows.
        why: Why it is not known which row applies; empty where it is.
    """

    row: str
    allowed: tuple[str, ...]
    why: str = ""


def decide(table: JsonObject, known: Mapping[str, JsonValue], reasons: Mapping[str, str] = _NOT_DECLARED) -> Decision:
    """The first row whose conditions all hold; a row that may hold and cannot be decided ends the search.

    Args:
        table: With `rows`, each `{id, when: {name: [values] or {min: n}}, allow}`.
        known: Name -> value; None where it is not known.
        reasons: Name -> sentence to give where it is not known.
    """
    for row in get_objects(table, "rows"):
        answers = {name: _holds(test, known.get(name)) for name, test in get_object(row, "when").items()}
        if False in answers.values():
            continue
        open_name = next((name for name, answer in answers.items() if answer is None), "")
        if open_name:
            return Decision("", (), reasons.get(open_name, f"{open_name} is not known"))
        return Decision(get_text(row, "id"), tuple(get_texts(row, "allow")))
    return Decision("", (), "no row of the table applies")


def _holds(test: JsonValue, value: JsonValue) -> bool | None:
    if value is None:
        return None
    if isinstance(test, Mapping):
        least = get_number(test, "min")
        return isinstance(value, int | float) and least is not None and value >= least
    return isinstance(test, Sequence) and any(
        value is item or (value == item and type(value) is type(item)) for item in test
    )


def export_row(governance: JsonObject, path: str, context: Context) -> Row:
    """Row of the table `export`.

    Args:
        governance: governance.json; empty where it cannot be read.
        path: Of it.
        context: Recipient, ledger and tables of the judgement.
    """
    table = next((item for item in context.tables.values() if item.get("table_id") == "export"), None)
    declared = get_text(governance, "export_mechanism") or None
    known, why_persons = variables(governance, table or {}, context)
    reasons = {**_NOT_DECLARED, "persons": why_persons, "sensitive_persons": why_persons}
    decision = decide(table, known, reasons) if table is not None else Decision("", (), NO_TABLE)
    undeclared = "governance.json does not declare it"
    values: dict[str, JsonValue] = {
        "path": path,
        "declared": declared,
        "matched": decision.row or None,
        "allowed": ", ".join(decision.allowed) or None,
        "consistent": None
        if declared is None or decision.why
        else declared in decision.allowed and declared != "forbidden",
        "document_needed": None if declared is None else declared in _ON_PAPER,
        "document_named": bool(get_text(governance, "export_document_no")),
        "valid_until_ns": _end_of_day_ns(get_text(governance, "export_valid_until")),
        "recipient_listed": context.recipient in get_texts(governance, "allowed_recipients")
        if context.recipient
        else None,
        "recipient_gba": context.recipient_gba,
        "as_of": get_text(table, "as_of") if table is not None else None,
    }
    why = dict.fromkeys(("declared", "document_needed", "valid_until_ns"), undeclared)
    why |= {
        "matched": decision.why,
        "allowed": decision.why,
        "consistent": decision.why or undeclared,
        "as_of": NO_TABLE,
    }
    why |= {"recipient_listed": "the context does not say recipient", "recipient_gba": _NOT_DECLARED["recipient_gba"]}
    return make_row("export", values, reasons=why)


def variables(governance: JsonObject, table: JsonObject, context: Context) -> tuple[dict[str, JsonValue], str]:
    """What the conditions of a table speak of, and why persons are not known.

    An exemption that nobody claims is not known to hold, so it counts as absent; a duty that nobody denies stays open.
    """
    exporter = get_object(governance, "exporter")
    persons, sensitive, why = _persons(governance, table, context)
    return {
        "data_level": get_text(governance, "data_level") or None,
        "personal_info": get_bool(governance, "contains_personal_info"),
        "collected_abroad_only": get_bool(governance, "collected_abroad_only") or False,
        "export_necessity": get_text(governance, "export_necessity"),
        "free_trade_zone": bool(get_text(exporter, "free_trade_zone")),
        "outside_negative_list": get_bool(exporter, "outside_negative_list") or False,
        "critical_infrastructure": get_bool(exporter, "critical_infrastructure"),
        "recipient_gba": context.recipient_gba,
        "gba_contract": get_text(governance, "export_mechanism") == "gba_standard_contract"
        and bool(get_text(governance, "export_document_no")),
        "persons": persons,
        "sensitive_persons": sensitive,
    }, why


def _persons(governance: JsonObject, table: JsonObject, context: Context) -> tuple[int | None, int | None, str]:
    """Persons without and with sensitive information that the exporter sent out this year, this dataset included."""
    ledger = context.ledger
    if ledger is None:
        return None, None, NO_LEDGER
    year = day_year(context.as_of_ns)
    exporter = get_text(get_object(governance, "exporter"), "name")
    if get_number(ledger, "year") != year or get_text(ledger, "exporter") != exporter:
        return None, None, OTHER_LEDGER
    totals = int(get_number(ledger, "persons") or 0), int(get_number(ledger, "sensitive_persons") or 0)
    if get_text(governance, "dataset_id") in get_texts(ledger, "dataset_ids"):
        return (*totals, "")
    own, own_sensitive = get_number(governance, "data_subject_count"), get_number(governance, "sensitive_subject_count")
    if own is None or own_sensitive is None:
        return None, None, "governance.json does not count the persons"
    least = 1 if _is_sensitive(governance, table) else 0  # one recognisable face is enough
    sensitive = max(int(own_sensitive), least)
    return totals[0] + max(int(own) - sensitive, 0), totals[1] + sensitive, ""


def _is_sensitive(governance: JsonObject, table: JsonObject) -> bool:
    kinds = set(get_texts(table, "sensitive_categories"))
    minors = get_text(governance, "minors_present") in ("yes_guardian_consent", "unknown")
    return bool(get_bool(governance, "sensitive_pi") or minors or kinds & set(get_texts(governance, "pi_categories")))


def day_year(at_ns: int) -> int:
    """Year in China of an instant, ns since the Unix epoch."""
    return datetime.fromtimestamp(at_ns // _NS_PER_S, CHINA).year


def _end_of_day_ns(text: str) -> int | None:
    """End of a day in China, ns since the Unix epoch; None where it is no date."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return int((day + timedelta(days=1)).timestamp()) * _NS_PER_S
