"""Real bags have the reports that were reviewed, and our reader finds in them what the package `mcap` finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from convert.support import ABSENT, REAL, Message, data_files, messages_in
from fuzz.oracle import content_of
from golden.reports import (
    bag_report,
    import_report,
    mcap_bags,
    name_of,
    read_golden,
    sqlite_bags,
    told,
    without_notes,
)

from embodied_kit.mcap.reader import McapScan

BAGS, IMPORTS = (without_notes(read_golden(name)) for name in ("bags.json", "imports.json"))
here = pytest.mark.skipif(not REAL.exists(), reason=ABSENT)


def test_every_finding_was_reviewed() -> None:
    """A note for each rule that failed; what is only undetermined wants documents that a bag does not have."""
    for name in ("bags.json", "imports.json"):
        golden = read_golden(name)
        assert golden
        for bag, entry in golden.items():
            assert sorted(entry["note"]) == told(entry), bag
            assert all(entry["note"].values()), bag


@here
def test_every_bag_has_its_golden_report() -> None:
    assert list(BAGS) == [name_of(path) for path in mcap_bags()]
    assert list(IMPORTS) == [name_of(path) for path in sqlite_bags()]


@here
@pytest.mark.parametrize("path", mcap_bags(), ids=name_of)
def test_a_bag_has_its_report(path: Path) -> None:
    assert bag_report(path) == BAGS[name_of(path)]


@here
@pytest.mark.parametrize("path", sqlite_bags(), ids=name_of)
def test_an_imported_bag_has_its_report(path: Path, tmp_path: Path) -> None:
    assert import_report(path, tmp_path) == IMPORTS[name_of(path)]


@here
@pytest.mark.parametrize("path", sorted(REAL.glob("rosbag2_*/**/*.mcap")), ids=name_of)
def test_our_reader_reads_what_another_reads(path: Path) -> None:
    data = path.read_bytes()
    content = content_of(data)
    assert content is not None
    ours: list[Message] = []
    with McapScan(path) as scan:
        for batch in scan.batches():
            for row in range(len(batch)):
                at, size = int(batch.offset[row]), int(batch.length[row])
                times = int(batch.log_time[row]), int(batch.publish_time[row])
                topic = scan.channels[int(batch.channel_id[row])].topic
                ours.append(Message(topic, *times, bytes(batch.buffer[at : at + size])))
        info = scan.container()
    assert ours == messages_in(path)
    assert len(ours) == info.messages_n == len(content.messages)
    assert len(data_files(path)) == 1
    assert {item.name: item.size for item in scan.attachments} == {
        name: len(body) for name, _, _, _, body in content.attachments if isinstance(body, bytes)
    }
    assert sum(len(values) for values in scan.metadata.values()) == len(content.metadata)
