"""The loss ledger: losses are counted where a publisher numbers its messages, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from recorder import support

from embodied_kit.model.stream import Sample
from embodied_recorders.ledger import NOT_OBSERVABLE, Ledger, counter_difference

STREAMS = support.contract(support.JOINT_STREAM, support.stream("other", "/other", support.TEXT, None)).streams


def samples(numbers: Sequence[int | None], publisher: str = "p") -> list[Sample]:
    return [Sample("/joint_states", b"", 10 + i, 20 + i, publisher, number) for i, number in enumerate(numbers)]


def entry_of(ledger: Ledger, publisher: str = "p") -> dict[str, object]:
    (entry,) = [entry for entry in ledger.entries(STREAMS, {}) if entry.get("publisher") == publisher]
    return dict(entry)


@given(st.sets(st.integers(0, 2**40), min_size=1, max_size=50), st.integers(1, 50))
def test_what_is_lost_is_what_is_missing_between_first_and_last(numbers: set[int], batch: int) -> None:
    ordered = sorted(numbers)
    ledger = Ledger()
    for first in range(0, len(ordered), batch):
        ledger.add(samples(ordered)[first : first + batch])
    entry = entry_of(ledger)
    assert entry["received_n"] == len(numbers)
    assert entry["loss"] == {
        "publisher_sequence": ordered[-1] - ordered[0] + 1 - len(numbers),
        "transport": NOT_OBSERVABLE,
        "queue": 0,
    }


@given(st.lists(st.integers(0, 100), min_size=1, max_size=50))
def test_numbers_again_or_late_never_count_a_loss_twice(numbers: list[int]) -> None:
    ledger = Ledger()
    ledger.add(samples(numbers))
    highest = [max(numbers[: i + 1]) for i in range(len(numbers))]
    steps = sum(max(b - a - 1, 0) for a, b in pairwise(highest))
    assert entry_of(ledger)["loss"]["publisher_sequence"] == steps


@given(st.integers(1, 20))
def test_a_publisher_that_does_not_number_tells_nothing(count: int) -> None:
    ledger = Ledger()
    ledger.add(samples([None] * count))
    entry = entry_of(ledger)
    assert entry["loss"]["publisher_sequence"] == NOT_OBSERVABLE
    assert (entry["first_source_ns"], entry["last_source_ns"]) == ("10", str(9 + count))


def test_publishers_are_counted_apart_and_silence_has_an_entry() -> None:
    ledger = Ledger()
    ledger.add(samples([1, 2, 5], "a") + samples([1, 2, 3], "b"))
    entries = ledger.entries(STREAMS, {})
    assert [(e["stream_id"], e.get("publisher"), e["received_n"]) for e in entries] == [
        ("joint_states", "a", 3),
        ("joint_states", "b", 3),
        ("other", None, 0),
    ]
    assert [e["loss"]["publisher_sequence"] for e in entries] == [2, 0, NOT_OBSERVABLE]
    assert "first_source_ns" not in entries[2]


def test_counters_tell_what_grew() -> None:
    assert counter_difference({"a": 3, "gone": 1}, {"a": 5, "b": 2}) == {"a": 2, "b": 2}
