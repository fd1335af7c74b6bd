"""The loss ledger: losses are counted where a publisher numbers its messages, and nowhere else."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import support

from embodied_kit.model.stream import Sample
from embodied_recorders.ledger import NOT_OBSERVABLE, Evidence, Ledger, counter_difference
from embodied_recorders.stamps import HeaderStamps, is_stamped

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
        "header_stamp": NOT_OBSERVABLE,
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


PERIOD_NS = 10_000_000
START_NS = 1_790_000_000 * 10**9


def stamped(stamps_ns: Sequence[int], body: bytes = b"", publisher: str = "p") -> list[Sample]:
    heads = [b"\0\1\0\0" + struct.pack("<iI", *divmod(stamp, 10**9)) for stamp in stamps_ns]
    return [Sample("/joint_states", head + body, 1, 1, publisher, None) for head in heads]


def counted(stamps_ns: Sequence[int], batch: int = 1000) -> Ledger:
    ledger = Ledger(evidence_of=lambda _sample: Evidence(is_stamped=True, period_ns=PERIOD_NS))
    for first in range(0, len(stamps_ns), batch):
        ledger.add(stamped(stamps_ns[first : first + batch]))
        ledger.totals()
    return ledger


@given(
    st.sets(st.integers(1, 400), max_size=60),
    st.floats(0.95, 1.05),
    st.integers(1, 100),
    st.lists(st.integers(-1_000_000, 1_000_000), min_size=402, max_size=402),
)
def test_periods_missing_by_the_stamps(lost: set[int], stretch: float, batch: int, jitter_ns: list[int]) -> None:
    runs = max((len(run) for run in "".join("x" if n in lost else " " for n in range(402)).split()), default=0)
    kept = [number for number in range(402) if number not in lost or runs > 5]
    ledger = counted([START_NS + round(n * PERIOD_NS * stretch) + jitter_ns[n] for n in kept], batch)
    assert entry_of(ledger)["loss"]["header_stamp"] == 402 - len(kept)


def test_a_sensor_beside_its_rate_has_no_gaps_and_half_a_stream_is_not_another_rate() -> None:
    assert entry_of(counted([START_NS + 12_600_000 * n for n in range(500)], 100))["loss"]["header_stamp"] == 0
    every_second = counted([START_NS + 2 * PERIOD_NS * n for n in range(500)], 100)
    assert entry_of(every_second)["loss"]["header_stamp"] == 499
    assert every_second.totals()["/joint_states"].missing_n == 499


def test_stamps_that_do_not_advance_are_stale_and_nothing_is_missing_by_them() -> None:
    ledger = counted([START_NS, START_NS + PERIOD_NS, START_NS + PERIOD_NS, START_NS, START_NS + PERIOD_NS])
    assert (ledger.totals()["/joint_states"].stale_n, ledger.totals()["/joint_states"].missing_n) == (2, 0)


@pytest.mark.parametrize(("is_picture", "duplicates"), [(True, 3), (False, 1)])
def test_a_picture_under_another_stamp_is_a_duplicate(is_picture: bool, duplicates: int) -> None:
    ledger = Ledger(evidence_of=lambda _sample: Evidence(is_stamped=True, is_picture=is_picture))
    ledger.add(stamped([1, 2, 2], b"same"))
    ledger.add(stamped([3], b"other") + stamped([4], b"Other") + stamped([5], b"Other"))
    assert ledger.totals()["/joint_states"].duplicate_n == duplicates


def test_stamps_of_publishers_that_nobody_tells_apart_say_nothing() -> None:
    ledger = Ledger(evidence_of=lambda _sample: Evidence(is_stamped=True, period_ns=PERIOD_NS))
    ledger.add(stamped([START_NS, START_NS + 9 * PERIOD_NS, START_NS], publisher=""))
    (entry, _) = ledger.entries(STREAMS, {})
    assert entry["loss"]["header_stamp"] == NOT_OBSERVABLE


@pytest.mark.parametrize(
    ("definition", "cdr", "told"),
    [
        ("# note\n\nstd_msgs/Header header # h\nfloat64 x", b"\0\1\0\0", True),
        ("Header header", b"\0\1\0\0", True),
        ("float64 x\nstd_msgs/Header header", b"\0\1\0\0", False),
        ("std_msgs/Header header", b"\0\0\0\0", False),
        ("std_msgs/Header[] headers", b"\0\1\0\0", False),
        ("", b"\0\1\0\0", False),
    ],
)
def test_which_messages_have_a_stamp_that_can_be_read(definition: str, cdr: bytes, told: bool) -> None:
    assert is_stamped(definition, cdr) == told


def test_a_transports_loss_goes_to_the_one_publisher_or_to_nobody_in_particular() -> None:
    one, two = Ledger(), Ledger()
    one.add(samples([None]))
    two.add(samples([None], "a") + samples([None], "b"))

    def shares(ledger: Ledger, lost: dict[str, int]) -> list[object]:
        entries = ledger.entries(STREAMS[:1], {}, lost)
        return [(entry.get("publisher"), entry["loss"]["transport"], entry["received_n"]) for entry in entries]

    assert shares(one, {"/joint_states": 4}) == [("p", 4, 1)]
    assert shares(two, {"/joint_states": 0}) == [("a", 0, 1), ("b", 0, 1)]
    assert shares(two, {"/joint_states": 4}) == [("a", NOT_OBSERVABLE, 1), ("b", NOT_OBSERVABLE, 1), (None, 4, 0)]
    assert shares(one, {"/other": 4}) == [("p", NOT_OBSERVABLE, 1)]


def test_a_message_too_short_for_a_stamp_shifts_no_other() -> None:
    ledger = Ledger(evidence_of=lambda _sample: Evidence(is_stamped=True, period_ns=PERIOD_NS))
    first, last = stamped([START_NS, START_NS + 2 * PERIOD_NS])
    ledger.add([first, Sample("/joint_states", b"\0\1\0\0\1\2", 1, 1, "p", None), last])
    assert ledger.totals()["/joint_states"].missing_n == 1


def test_a_regular_loss_of_each_third_message_is_no_slower_sensor() -> None:
    stamps = HeaderStamps(33_333_333.0)
    for number in (n for n in range(61) if n % 3 != 2):
        seconds, rest_ns = divmod(number * 33_000_000, 1_000_000_000)
        stamps.heads += struct.pack("<iI", 1_790_000_000 + seconds, rest_ns)
    stamps.fold()
    assert stamps.missing_n == 20
