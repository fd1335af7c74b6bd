"""Sound streams: what they hold is measured by a formula that a test can compute by other means, and never guessed."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import measure_path
from embodied_kit.measure.streams import sound
from embodied_kit.measure.tables.audio import with_voice
from embodied_kit.spec import check, standard

RATE = 16_000
RAW_AUDIO = (
    "foxglove_msgs/msg/RawAudio",
    b"builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\nuint32 number_of_channels\n",
)
AUDIO_DATA = ("audio_common_msgs/msg/AudioData", b"uint8[] data\n")
AUDIO_INFO = (
    "audio_common_msgs/msg/AudioInfo",
    b"uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\nstring coding_format\n",
)


class Cdr:
    """Little-endian CDR, aligned behind its header of four bytes."""

    def __init__(self) -> None:
        self.data = b""

    def number(self, code: str, value: int) -> "Cdr":
        size = struct.calcsize(code)
        self.data += b"\0" * (-len(self.data) % size) + struct.pack(f"<{code}", value)
        return self

    def run(self, data: bytes) -> "Cdr":
        self.number("I", len(data))
        self.data += data
        return self

    def text(self, text: str) -> "Cdr":
        return self.run(text.encode() + b"\0")

    @property
    def message(self) -> bytes:
        return b"\0\1\0\0" + self.data


def raw_audio(samples: NDArray[np.int16], coding: str = "pcm-s16", rate: int = RATE, channels: int = 1) -> bytes:
    head = Cdr().number("i", 1_790_000_000).number("I", 0).run(samples.tobytes())
    return head.text(coding).number("I", rate).number("I", channels).message


def write(path: Path, *topics: tuple[str, tuple[str, bytes], list[bytes]]) -> Path:
    path.unlink(missing_ok=True)
    with McapWriter(path) as writer:
        for topic, (name, text), messages in topics:
            channel = writer.add_channel(topic, writer.add_schema(name, "ros2msg", text))
            for number, data in enumerate(messages):
                stamp = 1_790_000_000_000_000_000 + number * 100_000_000
                writer.write(channel, stamp, stamp, number, data)
    return path


def rows(path: Path) -> list[Any]:
    (unit,) = measure_path(path, depth="signal")
    for row in unit.tables["audio"]:
        assert check("audio", row, standard().fact_schema("audio")) == []
    return list(unit.tables["audio"])


def measured(tmp_path: Path, samples: NDArray[np.int16], parts: int = 7, **how: Any) -> Any:
    messages = [raw_audio(part, **how) for part in np.array_split(samples, parts)]
    (row,) = rows(write(tmp_path / "a.mcap", ("/mic", RAW_AUDIO, messages)))
    return row


def tone(seconds: float, hertz: float, level: float) -> NDArray[np.int16]:
    time = np.arange(int(seconds * RATE)) / RATE
    return (level * 32767 * np.sin(2 * np.pi * hertz * time + 0.1)).astype(np.int16)


def syllables(n: int, hertz: float = 300) -> NDArray[np.int16]:
    """Tones of 0.2 s, each before 0.8 s of next to nothing."""
    quiet = tone(0.8, 50, 0.0005)
    return np.concatenate([np.concatenate((tone(0.2, hertz, 0.2), quiet)) for _ in range(n)])


def test_bursts_as_long_as_syllables_are_speech_like(tmp_path: Path) -> None:
    row = measured(tmp_path, syllables(10))
    assert (row["coding"], row["sample_rate_hz"], row["duration_s"]) == ("pcm-s16", RATE, 10.0)
    assert row["speech_like_ratio"] == pytest.approx(0.2, abs=0.011)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(RATE * 4, np.int16), id="silence"),
        pytest.param(tone(4, 300, 0.3), id="steady hum"),
        pytest.param(syllables(10, hertz=6000), id="squeaks"),
        pytest.param(tone(4, 300, 0.001), id="too quiet"),
        pytest.param(np.concatenate([tone(0.02, 300, 0.3), tone(3.98, 50, 0.0005)]), id="one click"),
    ],
)
def test_what_is_no_speech_is_not_speech_like(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    assert measured(tmp_path, samples)["speech_like_ratio"] == 0


def test_the_level_is_that_of_the_tone_and_the_first_channel_counts(tmp_path: Path) -> None:
    row = measured(tmp_path, tone(4, 400, 0.5))
    assert row["level_p50_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    stereo = np.stack([tone(4, 400, 0.5), np.zeros(4 * RATE, np.int16)], axis=1).reshape(-1)
    again = measured(tmp_path, stereo, channels=2)
    assert (again["level_p50_db"], again["duration_s"]) == (row["level_p50_db"], 4.0)


def test_numbers_do_not_depend_on_how_messages_cut_the_sound(tmp_path: Path) -> None:
    samples = syllables(5)
    names = ("duration_s", "level_p50_db", "speech_like_ratio")
    found = [measured(tmp_path, samples, parts) for parts in (1, 3, 400)]
    assert len({tuple(row[name] for name in names) for row in found}) == 1


def test_bytes_without_format_are_read_as_the_topic_beside_them_says(tmp_path: Path) -> None:
    data = [Cdr().run(part.tobytes()).message for part in np.array_split(syllables(3), 5)]

    def info(coding: str, sample_format: str) -> bytes:
        head = Cdr().number("B", 1).number("I", RATE).text(sample_format).number("I", 0)
        return head.text(coding).message

    def found(*infos: bytes) -> Any:
        topics = [("/audio", AUDIO_DATA, data), ("/audio_info", AUDIO_INFO, list(infos))]
        (row,) = rows(write(tmp_path / "a.mcap", *topics))
        return row

    row = found(info("wave", "S16LE"))
    assert (row["coding"], row["duration_s"]) == ("wave/S16LE", 3.0)
    assert row["speech_like_ratio"] == pytest.approx(0.2, abs=0.02)
    row = found(info("mp3", "S16LE"))
    assert row["speech_like_ratio"] is None
    assert row["undetermined"]["speech_like_ratio"] == "sound of this coding is not decoded"
    row = found()
    assert row["undetermined"]["speech_like_ratio"] == "nothing says how the sound is written"
    row = found(info("wave", "S16LE"), info("wave", "S24LE"))
    assert row["undetermined"]["speech_like_ratio"] == "the format of the sound changes"


def test_a_type_that_only_bears_the_name_is_no_sound(tmp_path: Path) -> None:
    (row,) = rows(
        write(tmp_path / "a.mcap", ("/x", (AUDIO_DATA[0], b"float64 data\n"), [Cdr().number("d", 0).message]))
    )
    assert row["speech_like_ratio"] is None


def test_sound_beyond_the_bound_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [raw_audio(part) for part in np.array_split(syllables(1), 7)]
    path = write(tmp_path / "a.mcap", ("/mic", RAW_AUDIO, messages))
    (unit,) = measure_path(path, depth="signal")
    assert unit.tables["error"] == []
    monkeypatch.setattr(sound, "MAX_SOUND_BYTES", RATE)  # of the 2 * RATE bytes that there are
    (unit,) = measure_path(path, depth="signal")
    (row,) = unit.tables["error"]
    assert (row["tables"], row["reason"]) == (["audio"], "there is more sound than is measured")
    assert [row["speech_like_ratio"] for row in unit.tables["audio"]] == [None]


def test_voice_is_told_by_governance_or_not_at_all(tmp_path: Path) -> None:
    row = measured(tmp_path, syllables(1))
    assert row["voice_declared"] is None
    (silent,) = with_voice([row], {"pi_categories": ["none"]})
    (spoken,) = with_voice([row], {"pi_categories": ["voice", "face"]})
    assert (silent["voice_declared"], spoken["voice_declared"]) == (False, True)
    assert "voice_declared" not in silent.get("undetermined", {})
    assert with_voice([row], {}) == [row]
    assert check("audio", json.loads(json.dumps(silent)), standard().fact_schema("audio")) == []
