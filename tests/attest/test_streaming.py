"""Facts of any size: attested and verified line by line."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attest.lab import NOW_NS, PROFILE, judged, make_lab, measured

from embodied_kit.canonical import canonical_bytes
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context
from embodied_validators.attest import Judgement, attest
from embodied_validators.judge import report_lines

ROWS_N, ROW_BYTES = 800, 64 * 1024
MOST_HELD = 20 * 2**20  # reading dataset.json makes room for its largest, 16 MiB


class Spooled:
    """Facts that are made when they are asked for, with many long rows behind them."""

    def __init__(self, facts: bytes) -> None:
        self._facts = facts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._facts.splitlines(keepends=True)
        for number in range(ROWS_N):
            yield canonical_bytes({"table": "span", "kind": f"{number:0{ROW_BYTES}}"}) + b"\n"


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_facts_are_attested_and_verified_without_being_held(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    facts, context = Spooled(measured(lab.root)), Context(NOW_NS)
    whole = b"".join(facts)
    assert len(whole) > 2 * MOST_HELD
    report = judged(whole, PROFILE, context)
    judgement = Judgement(facts, report, report_lines(report), PROFILE, context)

    def put() -> None:
        attest(lab.root, judgement, "L2", key_path=lab.key.private, now_ns=NOW_NS)

    assert peak(put) < MOST_HELD
    assert peak(put) < MOST_HELD, "again: held against what lies there"
    (written,) = lab.root.glob("attestation/*/facts.jsonl")
    assert written.read_bytes() == whole
    asked: list[int] = []

    def again(lines: Iterable[bytes], predicate: JsonObject) -> bytes:
        asked.extend(map(len, lines))
        return report_lines(report)

    assert peak(lambda: lab.verify(rejudge=again)) < MOST_HELD
    assert sum(asked) == len(whole)
    assert lab.verify(rejudge=again).rejudged
