"""Messages of one run of records as columns: by a proven index, or else by walking."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.mcap.records import HEAD, MESSAGE_FIXED, MESSAGE_HEAD, Opcode

MESSAGE_DTYPE = np.dtype(
    [("opcode", "u1"), ("length", "<u8"), ("channel", "<u2"), ("sequence", "<u4"), ("log", "<u8"), ("publish", "<u8")]
)
INDEX_DTYPE = np.dtype([("log", "<u8"), ("offset", "<u8")])
MAX_OTHER_RECORDS = 100_000
_SLICE = 1 << 17


@dataclass(frozen=True, eq=False)
class Walked:
    """What a run of records holds.

    Attributes:
        starts: Where each Message record begins in the run, int64, ascending.
        others: Opcode, start and end of the content of every other record.
        stop: Where the walk ended: the end of the run, or the record that could not be read.
        error: Why it ended early; empty where it did not.
    """

    starts: NDArray[np.int64]
    others: Sequence[tuple[int, int, int]]
    stop: int
    error: str = ""


def walk(data: memoryview, at: int = 0, *, only_messages: bool = False) -> Walked:
    """Visit every record of a run.

    Args:
        data: The records.
        at: Where the first begins.
        only_messages: Stop in front of the first other record instead of collecting it.
    """
    starts, others = array("q"), []
    unpack, size, error = HEAD.unpack_from, len(data), ""
    while at + HEAD.size <= size:
        opcode, length = unpack(data, at)
        end = at + HEAD.size + length
        if end > size:
            error = f"expected {size - at - HEAD.size} bytes at most in the record, got a length of {length}"
            break
        if opcode == Opcode.MESSAGE and length >= MESSAGE_FIXED:
            starts.append(at)
        elif only_messages:
            break
        else:
            others.append((opcode, at + HEAD.size, end))
            if len(others) > MAX_OTHER_RECORDS:
                error = f"expected at most {MAX_OTHER_RECORDS} records other than messages in a chunk, got more"
                break
        at = end
    if not error and at != size and size - at < HEAD.size:
        error = f"expected a record, got {size - at} bytes"
    return Walked(np.frombuffer(starts, np.int64), others, at, error)


def gather_heads(data: memoryview, starts: NDArray[np.int64]) -> NDArray[np.void]:
    """The 31 bytes before each payload, as MESSAGE_DTYPE; every start must leave room for them."""
    size = MESSAGE_HEAD.size
    if not len(starts):
        return np.empty(0, MESSAGE_DTYPE)
    # An overlapping view of V31 items gathers at 7 ns a message, a 2-D index of bytes at 159.
    view = np.ndarray((len(data) - size + 1,), f"V{size}", np.frombuffer(data, np.uint8), 0, (1,))
    heads: NDArray[np.void] = view[starts].view(MESSAGE_DTYPE)
    return heads


def prove(data: memoryview, indexes: Sequence[tuple[int, NDArray[np.void]]]) -> Walked | None:
    """The messages that an index lists, if they and the records between them fill the run exactly.

    Args:
        data: The records.
        indexes: Channel id and INDEX_DTYPE entries of each MessageIndex.

    Returns:
        None where anything differs; the caller then walks.
    """
    if not sum(len(entries) for _, entries in indexes):
        return None
    offsets = np.concatenate([entries["offset"] for _, entries in indexes])
    if int(offsets.max()) > len(data) - MESSAGE_HEAD.size:
        return None
    sizes = [len(entries) for _, entries in indexes]
    channels = np.repeat(np.array([channel for channel, _ in indexes], np.uint16), sizes)
    log = np.concatenate([entries["log"] for _, entries in indexes])
    if len(indexes) > 1 or bool((offsets[1:] < offsets[:-1]).any()):
        order = np.argsort(offsets, kind="stable")
        offsets, channels, log = offsets[order], channels[order], log[order]
    starts = offsets.view(np.int64)
    ends = _proven_ends(data, starts, channels, log)
    return None if ends is None else _fill_gaps(data, starts, ends)


def _proven_ends(
    data: memoryview, starts: NDArray[np.int64], channels: NDArray[np.uint16], log: NDArray[np.uint64]
) -> NDArray[np.int64] | None:
    """Where each message ends, if there is one of that channel and time at each start."""
    ends = np.empty(len(starts), np.int64)
    for first in range(0, len(starts), _SLICE):  # in slices, or two million heads would be held at once
        part = slice(first, first + _SLICE)
        heads = gather_heads(data, starts[part])
        length = heads["length"]
        if not (
            bool((heads["opcode"] == Opcode.MESSAGE).all())
            and bool((heads["channel"] == channels[part]).all())
            and bool((heads["log"] == log[part]).all())
            and int(length.min()) >= MESSAGE_FIXED
            and int(length.max()) <= len(data)
        ):
            return None
        ends[part] = starts[part] + length.astype(np.int64) + HEAD.size
    return ends


def _fill_gaps(data: memoryview, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Walked | None:
    """Walk what lies between the messages; None where that is not whole records or holds a message."""
    if bool((ends[:-1] > starts[1:]).any()) or int(ends[-1]) > len(data):
        return None
    gaps = [(int(ends[i]), int(starts[i + 1])) for i in np.flatnonzero(ends[:-1] != starts[1:]).tolist()]
    gaps = [(0, int(starts[0])), *gaps, (int(ends[-1]), len(data))]
    others: list[tuple[int, int, int]] = []
    for begin, stop in gaps:
        found = walk(data[begin:stop])
        if found.error or len(found.starts):
            return None
        others += [(opcode, begin + first, begin + last) for opcode, first, last in found.others]
    return Walked(starts, others, len(data))


def compare_index(
    data: memoryview, starts: NDArray[np.int64], indexes: Sequence[tuple[int, NDArray[np.void]]]
) -> tuple[int, int]:
    """How many messages no entry lists, and how many entries list no message of their own.

    Args:
        data: The records.
        starts: Where the messages begin, ascending, as walked.
        indexes: Channel id and INDEX_DTYPE entries of each MessageIndex.
    """
    listed = np.zeros(len(starts), bool)
    entries_n = sum(len(entries) for _, entries in indexes)
    for channel, entries in indexes if len(starts) else ():
        for first in range(0, len(entries), _SLICE):
            part = entries[first : first + _SLICE]
            rows = np.searchsorted(starts, part["offset"].view(np.int64))  # huge ones turn negative and match nothing
            rows[rows == len(starts)] = 0
            heads = gather_heads(data, starts[rows])
            right = (starts[rows].view(np.uint64) == part["offset"]) & (heads["log"] == part["log"])
            listed[rows[right & (heads["channel"] == channel)]] = True
    listed_n = int(listed.sum())
    return len(starts) - listed_n, entries_n - listed_n
