"""Depth `index` agrees with a full pass on a sound file, and says what it does not know."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from embodied_kit.errors import DataError
from embodied_kit.mcap.index import read_index
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.writer import McapWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "a.mcap"
    with McapWriter(target, chunk_bytes=900) as writer:
        writer.attach("capture.json", "application/json", b"{}", log_time=3)
        channels = [writer.add_channel(f"/{number}", 0) for number in range(3)]
        for step in range(200):
            writer.write(channels[step % 3], 10**18 - step, 10**18, step, b"\0\1\0\0" + bytes(step % 9))
    return target


def test_log_times_are_those_of_the_messages(path: Path) -> None:
    index = read_index(path)
    with McapScan(path) as scan:
        batches = list(scan.batches())
        info = scan.container()
    channel = np.concatenate([batch.channel_id for batch in batches])
    log = np.concatenate([batch.log_time for batch in batches])
    assert set(index.log_times) == {1, 2, 3}
    for number, times in index.log_times.items():
        np.testing.assert_array_equal(times, log[channel == number])
    assert index.channels == scan.channels
    assert (index.info.chunks_n, index.info.attachments_n) == (info.chunks_n, 1)
    assert (index.info.first_log_time, index.info.last_log_time) == (info.first_log_time, info.last_log_time)
    assert index.info.messages_declared_n == 200


def test_what_it_does_not_know_is_not_claimed(path: Path) -> None:
    info = read_index(path).info
    assert info.sha256 == ""
    assert info.messages_n is info.unindexed_messages_n is None
    assert {info.chunk_crc, info.data_end_crc, info.statistics, info.message_index, info.chunk_index} == {"unknown"}


def test_damage_is_an_error_or_is_read_over_but_never_a_crash(path: Path) -> None:
    data, rng = path.read_bytes(), random.Random(3)  # noqa: S311 - seeded damage, no secret
    refused = 0
    for case in range(300):
        at = rng.randrange(len(data) * 2 // 3, len(data))
        damaged = data[:at] if case % 2 else data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :]
        assert damaged != data
        path.write_bytes(damaged)
        try:
            read_index(path)
        except DataError:
            refused += 1
    assert refused > 150  # at least every cut
