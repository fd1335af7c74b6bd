"""The loss ledger: losses are counted where a publisher numbers its messages, and nowhere else."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder import support

from embodied_kit.episode.datafile import QueueCount
from embodied_kit.model.stream import Sample
from embodied_recorders.graph.stamps import HeaderStamps, is_stamped
from embodied_recorders.take.ledger import MOST_ENTRIES, NOT_OBSERVABLE, Evidence, Ledger, counter_difference

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


@given(st.lists(st.integers(0, 100), min_size=1, max_size=16))
def test_numbers_again_or_late_never_count_a_loss_twice(numbers: list[int]) -> None:
    ledger = Ledger()
    ledger.add(samples(numbers))
    highest = [max(numbers[: i + 1]) for i in range(len(numbers))]
    steps = sum(max(b - a - 1, 0) for a, b in pairwise(highest))
    assert entry_of(ledger)["loss"]["publisher_sequence"] == steps


def test_a_publisher_that_begins_anew_under_the_same_id_is_counted_on() -> None:
    ledger = Ledger()
    ledger.add(samples([*range(1, 1001), *range(1, 101), *range(111, 121)]))
    assert entry_of(ledger)["loss"]["publisher_sequence"] == 10


def test_a_history_that_comes_late_is_no_loss() -> None:
    ledger = Ledger()
    ledger.add(samples([101, *range(1, 101), 102, 103]))
    assert entry_of(ledger)["loss"]["publisher_sequence"] == 0


def test_of_a_publisher_that_was_followed_by_another_no_picture_is_kept() -> None:
    ledger = Ledger()
    for publisher in "abc":
        ledger.add(stamped([1], bytes(1000), publisher))
    assert [len(count.newest) for count in ledger.counts.values()] == [0, 0, 1012]


def test_of_too_many_publishers_those_that_sent_least_have_one_entry_together() -> None:
    ledger = Ledger()
    for number in range(MOST_ENTRIES + 36):
        ledger.add(samples([1, 3] if number < 50 else [1, 2, 4, 5], f"p{number}"))
    queues = {("/joint_states", f"p{number}"): QueueCount(1, 1, number) for number in range(MOST_ENTRIES + 36)}
    entries = ledger.entries(STREAMS[:1], queues, {"/joint_states": 7})
    assert len(entries) == MOST_ENTRIES
    assert len({entry.get("publisher") for entry in entries}) == MOST_ENTRIES
    rest = entries[-1]
    assert "publisher" not in rest
    assert {entry["publisher"] for entry in entries[:-1]} >= {f"p{number}" for number in range(50, 100)}
    assert rest["received_n"] == 37 * (2 - 1)
    assert rest["loss"] == {"publisher_sequence": 37, "header_stamp": NOT_OBSERVABLE, "transport": 7, "queue": 37}
    assert sum(entry["received_n"] for entry in entries) == 50 * (2 - 1) + 50 * (4 - 1)


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


@settings(deadline=None)  # a busy machine
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
    stamps.fold(0)
    assert stamps.missing_n == 20


@dataclass
class Told:
    """Stamps of a 100 Hz sensor as they come, 10 ms after one another, folded ten at a time."""

    ledger: Ledger
    now_ns: int = 0

    def come(self, stamps_ns: Sequence[int], after_ns: int = PERIOD_NS) -> None:
        for first in range(0, len(stamps_ns), 10):
            batch = stamps_ns[first : first + 10]
            self.now_ns += after_ns * len(batch)
            self.ledger.add(stamped(batch))
            self.ledger.totals()


@pytest.fixture
def told() -> Told:
    made = Told(Ledger(evidence_of=lambda _sample: Evidence(is_stamped=True, period_ns=PERIOD_NS)))
    made.ledger.monotonic_ns = lambda: made.now_ns
    return made


def ticks(count: int, first_ns: int = START_NS) -> list[int]:
    return [first_ns + n * PERIOD_NS for n in range(count)]


@pytest.mark.parametrize("stamp_ns", [0, START_NS])
def test_stamps_that_never_advance_tell_nothing(told: Told, stamp_ns: int) -> None:
    told.come([stamp_ns] * 50)
    assert entry_of(told.ledger)["loss"]["header_stamp"] == NOT_OBSERVABLE


@pytest.mark.parametrize("step_s", [5, 3600, -5, -3600])
def test_a_clock_that_is_set_is_no_loss(told: Told, step_s: int) -> None:
    told.come(ticks(200))
    told.come(ticks(200, START_NS + 200 * PERIOD_NS + step_s * 10**9))
    told.come(ticks(200, START_NS + 400 * PERIOD_NS))  # and set right again
    assert entry_of(told.ledger)["loss"]["header_stamp"] == 0


@pytest.mark.parametrize("gap_s", [1, 5, 3600])
def test_a_gap_is_a_loss_whether_what_follows_comes_late_or_not(told: Told, gap_s: int) -> None:
    told.come(ticks(200))
    told.now_ns += gap_s * 10**9  # all of it lost on the way, say
    told.come(ticks(200, START_NS + 200 * PERIOD_NS + gap_s * 10**9))
    assert entry_of(told.ledger)["loss"]["header_stamp"] == gap_s * 100
    told.now_ns += 3 * 10**9  # a process that was stopped: what a buffer held comes at once, the rest is lost
    told.come(ticks(100, START_NS + 400 * PERIOD_NS + gap_s * 10**9), after_ns=0)
    told.come(ticks(100, START_NS + 700 * PERIOD_NS + gap_s * 10**9))
    assert entry_of(told.ledger)["loss"]["header_stamp"] == gap_s * 100 + 200


def test_a_slew_of_the_clock_is_no_loss(told: Told) -> None:
    told.come([START_NS + round(n * PERIOD_NS * 1.0005) for n in range(2000)])  # as fast as NTP slews
    assert entry_of(told.ledger)["loss"]["header_stamp"] == 0


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_stamp_that_is_repeated_is_not_missing_too(batch: int) -> None:
    stamps = [stamp for pair in zip(ticks(60)[::2], ticks(60)[::2], strict=True) for stamp in pair]
    ledger = counted(stamps, batch)
    assert entry_of(ledger)["loss"]["header_stamp"] == 0
    assert ledger.totals()["/joint_states"].stale_n == 30
    ledger.add(stamped([stamps[-1] + 5 * PERIOD_NS]))
    assert entry_of(ledger)["loss"]["header_stamp"] == 3


@pytest.mark.parametrize("batch", [1, 4, 1000])
@pytest.mark.parametrize("lost_n", [0, 2])
def test_who_stutters_and_catches_up_has_lost_nothing_but_what_does_not_come(batch: int, lost_n: int) -> None:
    late = [START_NS + 63 * PERIOD_NS // 10 + n for n in range(6 - lost_n)]
    stamps = [*ticks(1), *late, *ticks(100, START_NS + 7 * PERIOD_NS)]
    assert entry_of(counted(stamps, batch))["loss"]["header_stamp"] == lost_n
    pairs = [START_NS + n // 2 * 2 * PERIOD_NS + n % 2 * PERIOD_NS // 10 for n in range(100)]
    assert entry_of(counted(pairs, batch))["loss"]["header_stamp"] == 0


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_stamps_out_of_order_are_not_missing(batch: int) -> None:
    order = [0, 1, 3, 2, 4, 5, 8, 7, 6, 9, *range(13, 30)]
    assert entry_of(counted([ticks(30)[n] for n in order], batch))["loss"]["header_stamp"] == 3
