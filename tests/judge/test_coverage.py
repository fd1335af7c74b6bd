"""A report never says that everything was seen where content was left out."""

import pytest

from embodied_kit.model.facts import Facts
from embodied_validators.judge.coverage import Coverage

WHOLE = {
    "path": "a.mcap",
    "seen": True,
    "opened": True,
    "decoded": True,
    "sampled": False,
    "ignored": False,
    "reason": "",
}


def not_seen(**changes: object) -> object:
    coverage = Coverage()
    coverage.add(Facts("bare", "full", "bare", {"coverage": [{**WHOLE, **changes}]}))  # type: ignore[dict-item]
    return coverage.value()["not_seen"]


def test_what_was_read_whole_is_not_listed() -> None:
    assert not_seen() == []
    assert not_seen(decoded=False) == []  # a file of which the digest is all that matters


@pytest.mark.parametrize(
    "changes",
    [
        {"decoded": False, "reason": "some chunks could not be opened"},
        {"decoded": False, "reason": "the file ends before its data do"},
        {"opened": False},
        {"sampled": True},
        {"ignored": True},
    ],
)
def test_what_was_left_out_is_listed_with_its_reason(changes: dict[str, object]) -> None:
    assert not_seen(**changes) == [{"episode": "", "path": "a.mcap", "reason": changes.get("reason", "")}]
