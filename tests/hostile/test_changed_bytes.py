"""Bytes of data files changed at random: never a crash, never a file that is read as the one that was declared."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hostile.kit import Program, first_episode
from measure.synthetic import Take, streams, write_dataset

CASES = int(os.environ.get("EMBODIED_KIT_CHANGED_BYTES", "90"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    specs = {name: spec for name, spec in streams().items() if name in ("joint_states", "cam_front", "depth")}
    for spec in specs.values():
        del spec.messages[6:]
    return write_dataset(tmp_path_factory.mktemp("small") / "set", (specs, Take(chunk_bytes=4000)))


def changed(data: bytes, choice: random.Random) -> bytes:
    """The data with a fault: bytes, a run, a piece moved, doubled, gone, or a length overwritten."""
    found = bytearray(data)
    at, size = choice.randrange(len(data)), choice.choice((1, 2, 8, 64, 1000))
    match choice.randrange(6):
        case 0:
            for _ in range(choice.choice((1, 1, 3, 50))):
                found[choice.randrange(len(found))] ^= 1 << choice.randrange(8)
        case 1:
            found[at : at + size] = choice.randbytes(min(size, len(data) - at))
        case 2:
            del found[at : at + size]
        case 3:
            found[at:at] = found[at : at + size] or b"\0"
        case 4:
            found[at : at + 8] = choice.choice((b"\xff" * 8, bytes(8), b"\0\0\0\0\0\0\0\x80"))
        case 5:
            other = choice.randrange(len(data))
            found[at : at + size], found[other : other + size] = found[other : other + size], found[at : at + size]
    return bytes(found)


def test_changed_bytes_never_pass(small: Path, program: Program) -> None:
    choice = random.Random(CASES)  # noqa: S311  # seeded
    path = first_episode(small) / "data_000.mcap"
    whole = path.read_bytes()
    tried = 0
    while tried < CASES:
        data = changed(whole, choice)
        if data == whole:
            continue
        tried += 1
        path.write_bytes(data)
        depth = choice.choice(["signal", "full"])
        ran = program.judged(small, "--depth", depth)
        assert "PV-01" in ran.rules(), tried
    path.write_bytes(whole)
    assert "PV-01" not in program.judged(small).rules()
