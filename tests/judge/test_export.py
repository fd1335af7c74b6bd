"""The dated table of ways out of the country: which row applies, what stays open, no older rule used."""

from dataclasses import replace
from typing import Any

import pytest
from judge.fixtures import CONTEXT

from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import check, standard
from embodied_validators.context import (
    Recipient,
    make_context,
    read_ledger,
    read_recipient,
    signed_context,
    tables_in_force,
)
from embodied_validators.judge import context_digest, context_value
from embodied_validators.judge.export import Decision, decide, export_row, variables

(TABLE,) = (table for table in CONTEXT.tables.values() if table["table_id"] == "export")
GOVERNANCE: dict[str, Any] = {
    "dataset_id": "0192f0c1-0000-7000-8000-00000000da7a",
    "contains_personal_info": True,
    "pi_categories": ["document_text"],
    "sensitive_pi": False,
    "minors_present": "no",
    "data_subject_count": 10,
    "sensitive_subject_count": 0,
    "data_level": "general",
    "exporter": {"name": "Lab", "critical_infrastructure": False},
    "export_mechanism": "exempt_volume",
}
LEDGER: dict[str, Any] = {"exporter": "Lab", "year": 2026, "persons": 0, "sensitive_persons": 0}
EITHER = ("standard_contract", "certification")


def row_of(governance: dict[str, Any], ledger: JsonObject | None = LEDGER, **context: Any) -> Any:
    return export_row(governance, "governance.json", replace(CONTEXT, purpose="export", ledger=ledger, **context))


def with_persons(persons: int, sensitive: int = 0, **governance: Any) -> Any:
    return row_of({**GOVERNANCE, **governance}, {**LEDGER, "persons": persons, "sensitive_persons": sensitive})


@pytest.mark.parametrize(
    ("change", "matched", "allowed"),
    [
        ({"data_level": "core"}, "core", "forbidden"),
        ({"data_level": "core", "contains_personal_info": False}, "core", "forbidden"),
        ({"data_level": "important"}, "important", "security_assessment"),
        ({"contains_personal_info": False}, "no_pi", "exempt_no_pi"),
        ({"collected_abroad_only": True}, "transit", "exempt_transit"),
        ({"export_necessity": "contract"}, "necessity", "exempt_necessity"),
        ({"lawful_basis": "contract_hr"}, "few_persons", "exempt_volume"),
        (
            {"exporter": {"name": "Lab", "free_trade_zone": "Qianhai", "outside_negative_list": True}},
            "free_trade_zone",
            "exempt_ftz",
        ),
        (
            {"exporter": {"name": "Lab", "critical_infrastructure": True}},
            "critical_infrastructure",
            "security_assessment",
        ),
        ({}, "few_persons", "exempt_volume"),
        ({"pi_categories": ["face"]}, "some_sensitive", "standard_contract, certification"),
        ({"minors_present": "unknown"}, "some_sensitive", "standard_contract, certification"),
        ({"sensitive_subject_count": 10_000, "data_subject_count": 10_000}, "many_sensitive", "security_assessment"),
    ],
)
def test_the_first_row_that_holds_applies(change: dict[str, Any], matched: str, allowed: str) -> None:
    row = row_of({**GOVERNANCE, **change})
    assert (row["matched"], row["allowed"]) == (matched, allowed)
    assert check("export", row, standard().fact_schema("export")) == []


def test_forbidden_is_never_consistent() -> None:
    assert row_of({**GOVERNANCE, "data_level": "core", "export_mechanism": "forbidden"})["consistent"] is False


@pytest.mark.parametrize(
    ("persons", "matched"),
    [
        (99_989, "few_persons"),
        (99_990, "some_persons"),
        (999_989, "some_persons"),
        (999_990, "many_persons"),
    ],
)
def test_this_dataset_counts_with_the_year(persons: int, matched: str) -> None:
    assert with_persons(persons)["matched"] == matched
    listed = {**LEDGER, "persons": persons, "dataset_ids": [GOVERNANCE["dataset_id"]]}
    if persons == 99_990:
        assert row_of(GOVERNANCE, listed)["matched"] == "few_persons", "a dataset in the ledger is not counted twice"


def test_the_counting_of_2022_is_not_used() -> None:
    """Then 100,000 persons, or a total since January of the year before, asked for a security assessment."""
    assert with_persons(150_000)["allowed"] == "standard_contract, certification"
    assert with_persons(0, 9_999)["allowed"] == "standard_contract, certification"
    year_before = {**LEDGER, "year": 2025, "persons": 2_000_000}
    row = row_of(GOVERNANCE, year_before)
    assert row["matched"] is None
    assert row["undetermined"]["consistent"] == "the ledger is of another exporter or year"


@pytest.mark.parametrize(
    ("change", "ledger", "counted"),
    [
        ({}, {"persons": 100, "sensitive_persons": 7}, (110, 7)),
        ({}, {"year": 2026, "exporter": "Lab"}, (10, 0)),
        ({"sensitive_subject_count": 3}, {"persons": 100, "sensitive_persons": 7}, (107, 10)),
        ({"data_subject_count": 2, "sensitive_subject_count": 5}, {"persons": 100, "sensitive_persons": 7}, (100, 12)),
        ({"pi_categories": ["face"]}, {"persons": 100, "sensitive_persons": 7}, (109, 8)),
    ],
)
def test_persons_without_and_with_sensitive_information_are_counted_apart(
    change: dict[str, Any], ledger: dict[str, Any], counted: tuple[int, int]
) -> None:
    totals = {"exporter": "Lab", "year": 2026, **ledger}
    known, why = variables({**GOVERNANCE, **change}, TABLE, replace(CONTEXT, ledger=totals))
    assert ((known["persons"], known["sensitive_persons"]), why) == (counted, "")


def test_an_exemption_that_nobody_claims_is_absent() -> None:
    known, _ = variables({**GOVERNANCE, "exporter": {}}, TABLE, CONTEXT)
    absent = ("collected_abroad_only", "free_trade_zone", "outside_negative_list", "gba_contract")
    assert [known[name] for name in absent] == [False] * 4
    assert known["critical_infrastructure"] is None, "a duty that nobody denies stays open"


def test_one_recognisable_face_removes_the_exemption_of_volume() -> None:
    few = {"data_subject_count": 1, "sensitive_subject_count": 0, "pi_categories": ["face"]}
    row = row_of({**GOVERNANCE, **few})
    assert (row["consistent"], row["allowed"]) == (False, "standard_contract, certification")


@pytest.mark.parametrize(
    ("governance", "ledger", "reason"),
    [
        (GOVERNANCE, None, "the exporter's ledger was not given"),
        (GOVERNANCE, {**LEDGER, "exporter": "Other"}, "the ledger is of another exporter or year"),
        (
            {**GOVERNANCE, "exporter": {"name": "Lab"}},
            LEDGER,
            "governance.json does not declare whether the exporter runs critical infrastructure",
        ),
        (
            {name: value for name, value in GOVERNANCE.items() if name != "data_level"},
            LEDGER,
            "governance.json does not declare data_level",
        ),
        (
            {name: value for name, value in GOVERNANCE.items() if name != "data_subject_count"},
            LEDGER,
            "governance.json does not count the persons",
        ),
    ],
)
def test_what_nobody_says_leaves_it_open(governance: dict[str, Any], ledger: Any, reason: str) -> None:
    row = row_of(governance, ledger)
    assert (row["matched"], row["consistent"]) == (None, None)
    assert row["undetermined"]["consistent"] == reason


def test_the_contract_of_the_bay_area_needs_recipient_and_number() -> None:
    filed = {**GOVERNANCE, "export_mechanism": "gba_standard_contract", "export_document_no": "GBA-1"}
    assert row_of(filed, recipient_gba=True)["consistent"] is True
    assert row_of(filed, recipient_gba=False)["consistent"] is False
    assert row_of(filed)["undetermined"]["consistent"] == "the context does not say recipient_gba"
    assert row_of({**filed, "export_document_no": ""}, recipient_gba=True)["matched"] == "few_persons"


def test_a_table_is_read_in_its_order_whatever_it_says() -> None:
    table: JsonObject = {
        "rows": [{"id": "a", "when": {"x": [1]}, "allow": ["p"]}, {"id": "b", "when": {}, "allow": ["q"]}]
    }
    assert decide(table, {"x": 1}) == Decision("a", ("p",))
    assert decide(table, {"x": True}) == Decision("b", ("q",)), "true is not one"
    assert decide(table, {"x": None}).why == "x is not known"
    assert decide({"rows": []}, {}).why == "no row of the table applies"


def test_a_document_is_valid_to_the_end_of_its_day_in_china() -> None:
    row = row_of({**GOVERNANCE, "export_valid_until": "2026-12-31"})
    assert row["valid_until_ns"] == "1798732800000000000"
    assert row_of({**GOVERNANCE, "export_valid_until": "soon"})["valid_until_ns"] is None


def test_tables_say_where_each_row_comes_from_and_name_known_words() -> None:
    mechanisms = set(standard().vocabulary("export_mechanism").codes)
    known = variables({}, TABLE, CONTEXT)[0]
    rows: Any = TABLE["rows"]
    for row in rows:
        assert set(row) == {"id", "when", "allow", "clause", "evidence", "title"}
        assert set(row["allow"]) <= mechanisms
        assert set(row["when"]) <= set(known)
        assert row["evidence"] in standard().vocabulary("evidence").codes
        assert set(row["title"]) == {"en", "zh"}
    assert set(TABLE["sensitive_categories"]) <= set(standard().vocabulary("pi_category").codes)  # type: ignore[arg-type]
    assert [path.stem for path in standard().table_files()] == ["export-2026-01-01", "licences-2026-01-01"]
    for path in standard().table_files():
        table = tables_in_force(CONTEXT.as_of_ns)[path.stem]
        assert path.stem == f"{table['table_id']}-{table['in_force']}"


def test_no_table_is_used_before_its_date() -> None:
    assert tables_in_force(1_767_225_599 * 10**9) == {}
    assert set(tables_in_force(1_767_225_600 * 10**9)) == {"export-2026-01-01", "licences-2026-01-01"}
    early = replace(make_context(10**18), ledger=LEDGER)
    row: Any = export_row(GOVERNANCE, "governance.json", early)
    assert row["undetermined"]["consistent"] == "no table is in force on the date of the context"


def test_a_signed_context_comes_back_only_with_the_same_ledger_and_tables() -> None:
    context = make_context(CONTEXT.as_of_ns, Recipient("p", "HK", gba=True), "export", LEDGER)
    signed = {name: value for name, value in context_value(context).items() if value is not None}
    again = signed_context(signed, dict(LEDGER))
    assert again == context
    assert context_digest(again) == context_digest(context)
    for ledger in (None, {**LEDGER, "persons": 1}):
        with pytest.raises(DataError, match="ledger"):
            signed_context(signed, ledger)
    with pytest.raises(DataError, match="export-2020-01-01"):
        signed_context({**signed, "tables": {"export-2020-01-01": "12" * 32}}, LEDGER)


def test_recipient_and_ledger_are_read_strictly(tmp_path: Any) -> None:
    assert read_recipient("partner") == Recipient("partner")
    path = tmp_path / "r.json"
    path.write_text('{"id": "p", "country": "HK", "gba_member": true}')
    assert read_recipient(str(path)) == Recipient("p", "HK", gba=True)
    path.write_text('{"exporter": "Lab", "year": 2026, "persons": 1, "sensitive_persons": 0}')
    assert read_ledger(path)["persons"] == 1
    for text in (
        '{"exporter": "Lab"}',
        "[]",
        '{"exporter": "Lab", "year": 2026, "persons": -1, "sensitive_persons": 0}',
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"r\.json"):
            read_ledger(path)
    with pytest.raises(UsageError, match="JSON file"):
        read_ledger(tmp_path / "none.json")
