"""Thousands of damaged files: none crashes the scan, none that holds something else passes the container rules."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from fuzz.mutator import RANDOM_KINDS, Mutant, Mutator, records_of, silenced
from fuzz.oracle import container_profile, content_of, judged_container, judged_whole, speaking
from fuzz.sources import MESSAGES_N, Source, sources

from embodied_kit.mcap.records import HEAD, MAGIC, Opcode
from embodied_kit.model.rule import Profile

RANDOM_CASES = 160
EVERY = 6
"""Of the systematic damage, one in so many is tried here; tests/bench/fuzz_mcap.py tries all."""
NAMES = ("ours, plain", "ours, zstd", "ours, lz4", "mcap, zstd", "mcap, no chunks", "mcap, no checksums")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    return dict(sources(tmp_path_factory.mktemp("sources")))


@pytest.fixture(scope="module")
def profile() -> Profile:
    return container_profile()


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest, made: dict[str, Source]) -> Source:
    return made[request.param]


def false_passes(source: Source, mutants: Iterable[Mutant], profile: Profile, path: Path) -> Counter[str]:
    """Kind -> mutants of which an independent reader reads something else, and our rules say no more than before."""
    path.write_bytes(source.data)
    before, content = speaking(judged_container(path, profile)), content_of(source.data)
    found: Counter[str] = Counter()
    for mutant in mutants:
        path.write_bytes(mutant.data)
        if not speaking(judged_container(path, profile)) - before and content_of(mutant.data) != content:
            found[mutant.kind] += 1
    return found


def test_sound_files_are_sound_and_read_alike(made: dict[str, Source], profile: Profile, tmp_path: Path) -> None:
    assert tuple(made) == NAMES
    for source in made.values():
        path = tmp_path / "a.mcap"
        path.write_bytes(source.data)
        content = content_of(source.data)
        assert content is not None
        assert len(content.messages) == MESSAGES_N
        spoken = {"mcap, no chunks": {"CT-05"}, "mcap, no checksums": {"CT-03"}}.get(source.name, set())
        assert speaking(judged_whole(path, profile)) == spoken


def test_systematic_damage_never_passes(source: Source, profile: Profile, tmp_path: Path) -> None:
    mutants = list(Mutator(source.data).systematic())
    assert {mutant.kind for mutant in mutants} >= {"cut", "drop", "twice", "swap", "opcode", "length"}
    assert all(mutant.data != source.data for mutant in mutants)
    start = NAMES.index(source.name)
    assert not false_passes(source, mutants[start::EVERY], profile, tmp_path / "a.mcap")


def test_random_damage_never_passes(source: Source, profile: Profile, tmp_path: Path) -> None:
    rng = random.Random(source.name)  # noqa: S311  # seeded
    whole = Mutator(source.data)
    mutants = [whole.at_random(rng) for _ in range(RANDOM_CASES)]
    assert all(mutant.data != source.data for mutant in mutants)
    found = false_passes(source, mutants, profile, tmp_path / "a.mcap")
    if source.covered:
        assert not found
    else:  # what no checksum covers cannot be seen: said by CT-03, and here so that the figure is known
        assert set(found) <= {"flip_bit", "flip_field", "rubbish", "big_number", "insert", "remove"}
        assert sum(found.values()) < RANDOM_CASES / 20


def test_every_kind_of_damage_is_done(made: dict[str, Source]) -> None:
    rng = random.Random(3)  # noqa: S311
    whole = Mutator(made["ours, zstd"].data)
    assert {whole.at_random(rng).kind for _ in range(40 * len(RANDOM_KINDS))} == set(RANDOM_KINDS)


@pytest.mark.parametrize("opcode", [0x0E, 0x0D, 0x0B, 0x07, 0x1F, 0x2F, 0x4F, 0x8F])
def test_a_flipped_bit_in_the_opcode_of_the_end_of_data_is_no_pass(
    opcode: int, made: dict[str, Source], profile: Profile, tmp_path: Path
) -> None:
    data = made["ours, zstd"].data
    begin = next(record.begin for record in records_of(data) if record.opcode == Opcode.DATA_END)
    assert (data[begin] ^ opcode).bit_count() == 1
    path = tmp_path / "a.mcap"
    path.write_bytes(data[:begin] + bytes([opcode]) + data[begin + 1 :])
    report = judged_whole(path, profile)
    assert "CT-01" in {finding.rule_id for finding in report.findings if finding.state == "failed"}


def test_a_chunk_whose_opcode_has_a_flipped_bit_is_missed(
    made: dict[str, Source], profile: Profile, tmp_path: Path
) -> None:
    """The reader of the package `mcap` skips it in silence; Statistics and ChunkIndex know of it."""
    data = made["mcap, no checksums"].data
    path, content = tmp_path / "a.mcap", content_of(data)
    assert content is not None
    for record in records_of(data):
        if record.opcode != Opcode.CHUNK:
            continue
        for bit in range(8):
            path.write_bytes(data[: record.begin] + bytes([data[record.begin] ^ 1 << bit]) + data[record.begin + 1 :])
            other = content_of(path.read_bytes())
            assert other is None or len(other.messages) < len(content.messages)
            assert "CT-04" in speaking(judged_whole(path, profile))


def test_what_one_fault_breaks_is_told_once(made: dict[str, Source], profile: Profile, tmp_path: Path) -> None:
    data = made["ours, plain"].data
    chunk = next(record for record in records_of(data) if record.opcode == Opcode.CHUNK)
    path = tmp_path / "a.mcap"
    path.write_bytes(data[: chunk.end - 3] + b"\xff" + data[chunk.end - 2 :])
    assert speaking(judged_container(path, profile)) - {"CT-07"} == {"CT-02"}
    header_end = len(MAGIC) + HEAD.size + HEAD.unpack_from(data, len(MAGIC))[1]
    path.write_bytes(data[:header_end] + data[len(MAGIC) : header_end] + data[header_end:])
    assert "CT-01" in speaking(judged_container(path, profile))


def test_a_channel_behind_its_messages_is_no_pass(made: dict[str, Source], profile: Profile, tmp_path: Path) -> None:
    """One pass delivers them before it knows what they are; found by tests/bench/fuzz_mcap.py."""
    data = made["mcap, no chunks"].data
    records = list(records_of(data))
    channel = next(record for record in records if record.opcode == Opcode.CHANNEL)
    end = next(record.begin for record in records if record.opcode == Opcode.DATA_END)
    path = tmp_path / "a.mcap"
    moved = data[: channel.begin] + data[channel.end : end] + data[channel.begin : channel.end] + data[end:]
    path.write_bytes(silenced(moved))
    assert content_of(path.read_bytes()) is None
    assert "CT-01" in speaking(judged_container(path, profile))
