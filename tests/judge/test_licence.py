"""Licences against the dated list: which are known, and which a whole may bear given its parts."""

from typing import Any

import pytest
from judge.fixtures import CONTEXT

from embodied_validators.judge.licence import compatible, licence_rows, recognised

(TABLE,) = (table for table in CONTEXT.tables.values() if table["table_id"] == "licences")


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        *((text, True) for text in ("CC-BY-4.0", "cc-by-4.0", "MIT OR Apache-2.0", "(MIT AND CC0-1.0)", "GPL-2.0+")),
        *((text, True) for text in ("LicenseRef-lab-1", "GPL-2.0-only WITH Classpath-exception-2.0")),
        *((text, False) for text in ("proprietary", "CC BY 4.0", "MIT OR mine", "", "LicenseRef-")),
    ],
)
def test_an_expression_is_known_where_each_part_is(expression: str, known: bool) -> None:
    assert recognised(expression, TABLE) is known


@pytest.mark.parametrize(
    ("part", "whole", "answer"),
    [
        ("CC0-1.0", "CC-BY-4.0", True),
        ("CC0-1.0", "LicenseRef-lab", True),
        ("CC-BY-4.0", "CC0-1.0", False),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", True),
        ("CC-BY-SA-4.0", "CC-BY-4.0", False),
        ("CC-BY-SA-4.0", "ODbL-1.0", False),
        ("CC-BY-NC-4.0", "CC-BY-4.0", False),
        ("CC-BY-NC-4.0", "LicenseRef-lab", False),
        ("CC-BY-ND-4.0", "LicenseRef-lab", False),
        ("MIT OR CC-BY-SA-4.0", "CC-BY-4.0", True),
        ("MIT AND CC-BY-SA-4.0", "CC-BY-4.0", False),
        ("LicenseRef-lab", "LicenseRef-lab", None),
        ("LicenseRef-lab", "MIT", None),
        ("(MIT)", "MIT", None),
        ("MIT", "APSL-2.0", None),
    ],
)
def test_what_a_part_allows_the_whole(part: str, whole: str, answer: bool | None) -> None:
    assert compatible(part, whole, TABLE) is answer


def test_each_licence_of_a_group_is_of_the_list_and_in_one_group() -> None:
    groups: Any = TABLE["groups"]
    listed = [name for group in groups for name in group["licences"]]
    assert len(listed) == len(set(listed)) > 30
    assert set(listed) <= set(TABLE["identifiers"])  # type: ignore[arg-type]
    ids = {group["id"] for group in groups}
    assert all(set(group["may_become"]) <= ids | {"custom"} for group in groups)


def test_rows_name_document_and_pointer() -> None:
    lineage: Any = [{"parent_id": "a"}, {"parent_id": "b", "license": "CC-BY-SA-4.0"}]
    rows = list(licence_rows({"license": "MIT", "lineage": lineage}, {"license": "x"}, CONTEXT))
    assert [(row["path"], row["pointer"], row["recognised"], row["compatible"]) for row in rows] == [
        ("dataset.json", "/license", True, True),
        ("governance.json", "/license", False, True),
        ("dataset.json", "/lineage/1/license", True, False),
    ]
