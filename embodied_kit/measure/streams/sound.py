"""Sound of one stream: its bytes while they pass, then levels and speech-like frames of linear PCM.

The measure is simple on purpose, so that anyone can compute it again: energies and zero crossings of frames of 20 ms,
compared as whole numbers. It asks for a review and proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.store import Array, Blocks, ColumnStore
from embodied_kit.messages.columns import Columns
from embodied_kit.messages.layout import Bytes

DATA, STAMPED, RAW_AUDIO = "audio_common_msgs/AudioData", "audio_common_msgs/AudioDataStamped", "foxglove_msgs/RawAudio"
INFO = "audio_common_msgs/AudioInfo"
BYTES_FIELD: Mapping[str, str] = {DATA: "data", STAMPED: "audio.data", RAW_AUDIO: "data"}
MAX_SOUND_BYTES = 2**30
TOO_MUCH_SOUND = "there is more sound than is measured"
LINEAR_16 = ("pcm-s16", "wave/S16LE", "s16le")
"""Codings that are decoded: signed 16-bit little-endian samples, channels interleaved."""
FRAME_PER_S = 50
_FULL_SCALE = 2**15
_LEAST_POWER = _FULL_SCALE**2 * 1e-5
"""Mean square at -50 dB of full scale."""
_OVER_FLOOR = 10
"""10 dB as a ratio of powers."""
_FLOOR_QUANTILE = 0.2
_CROSSINGS = (100 // FRAME_PER_S, 3000 // FRAME_PER_S)
_RUN = (5, 100)


@dataclass(frozen=True)
class SoundFormat:
    """How samples are written.

    Attributes:
        coding: As in `LINEAR_16`, or another; empty where nothing says it.
    """

    coding: str = ""
    sample_rate_hz: int = 0
    channels: int = 1


@dataclass(frozen=True)
class SoundLevels:
    """What was measured.

    Attributes:
        speech_like_ratio: Share of speech-like frames; None where no frame is whole.
    """

    duration_s: float
    level_p50_db: float | None
    speech_like_ratio: float | None


class SoundLog:
    """The bytes of one stream, and the format that its messages tell.

    Args:
        store: Owner of the bytes.
        ros_type: Short name, a key of `BYTES_FIELD`, or `INFO`.
    """

    def __init__(self, store: ColumnStore, ros_type: str) -> None:
        self._bytes = store.column("u1")
        self._type = ros_type
        self.formats: set[SoundFormat] = set()
        self.overflowed = False

    def add(self, buffer: memoryview, columns: Columns) -> None:
        """Add decoded messages; those of a type that only bears the name add nothing."""
        if self._type in (RAW_AUDIO, INFO):
            self._add_formats(columns)
        field = columns.fields.get(BYTES_FIELD.get(self._type, ""))
        if field is None or field.kind != "blob":
            return
        data = np.frombuffer(buffer, np.uint8)
        for at, length in cast("NDArray[np.int64]", field.values).tolist():
            if self._bytes.n + length > MAX_SOUND_BYTES:
                self.overflowed = True
                return
            self._bytes.append(data[at : at + length].copy())

    def _add_formats(self, columns: Columns) -> None:
        names = ("format", "sample_rate", "number_of_channels")
        if self._type == INFO:
            names = ("sample_format", "sample_rate", "channels")
        found = [columns.fields.get(name) for name in names]
        coding, rate, channels = found
        if coding is None or coding.kind != "text" or rate is None or channels is None or len(self.formats) > 1:
            return
        wrapper = columns.fields.get("coding_format")
        before = [f"{text}/" for text in wrapper.texts()] if wrapper is not None and wrapper.kind == "text" else []
        for row, text in enumerate(coding.texts()):
            prefix = before[row] if before else ""
            numbers = int(rate.values[row]), int(channels.values[row])
            self.formats.add(SoundFormat(prefix + text, *numbers))

    def levels(self, how: SoundFormat) -> SoundLevels:
        """Measure the sound.

        Args:
            how: A coding of `LINEAR_16`; the first channel is taken.
        """
        size = how.sample_rate_hz // FRAME_PER_S
        parts = [_frames(block, how.channels) for block in _whole_frames(self._bytes.blocks, size * how.channels * 2)]
        if not parts:
            return SoundLevels(0.0, None, None)
        energy = np.concatenate([part[0] for part in parts])
        crossings = np.concatenate([part[1] for part in parts])
        ordered = np.sort(energy)
        floor, median = int(ordered[int(_FLOOR_QUANTILE * (len(ordered) - 1))]), int(ordered[len(ordered) // 2])
        loud = (energy >= _LEAST_POWER * size) & (energy >= _OVER_FLOOR * floor)
        voiced = loud & (crossings >= _CROSSINGS[0]) & (crossings <= _CROSSINGS[1])
        level = 10 * math.log10(median / size / _FULL_SCALE**2) if median else None
        return SoundLevels(len(energy) / FRAME_PER_S, level, _in_runs(voiced) / len(energy))


def _whole_frames(blocks: Blocks, frame_bytes: int) -> Iterator[Array]:
    """Bytes cut at frames: (frames, bytes of a frame); what is left at the end is no frame."""
    left: Array = np.empty(0, np.uint8)
    for block in blocks():
        joined = np.concatenate((left, block))
        whole = len(joined) // frame_bytes * frame_bytes
        left = joined[whole:]
        if whole:
            yield joined[:whole].reshape(-1, frame_bytes)


def _frames(data: Bytes, channels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Energy (sum of squares) and sign changes of each frame of the first channel."""
    samples = np.ascontiguousarray(data).view("<i2")[:, ::channels].astype(np.int64)
    positive = samples >= 0
    return (samples * samples).sum(axis=1), (positive[:, 1:] != positive[:, :-1]).sum(axis=1)


def _in_runs(flags: NDArray[np.bool_]) -> int:
    """Frames that stand in runs as long as a syllable or a phrase."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[(lengths >= _RUN[0]) & (lengths <= _RUN[1])].sum())
