"""Video in messages: every frame meets its message, damage is counted, and without the extra nothing is claimed."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure.api import measure_path
from embodied_kit.measure.images.access import Access, access
from embodied_kit.measure.images.video import NO_VIDEO, VideoDecoder
from embodied_kit.model.facts import Row

av = pytest.importorskip("av", reason="the extra video is not installed")

DEFINITION = b"""builtin_interfaces/Time timestamp
string frame_id
uint8[] data
string format
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
FRAMES, GOP, PERIOD_NS, START_NS = 36, 12, 33_333_333, 1_790_000_000_000_000_000
Change = Callable[[list[bytes]], list[bytes]]


def picture(index: int) -> np.ndarray:
    """Luma of a bar that wanders over a ramp."""
    image = np.tile(np.linspace(40, 200, 160).astype(np.uint8), (96, 1))
    image[20:60, 2 * index : 2 * index + 20] = 235
    return image


def encoded(encoder: str, options: dict[str, str]) -> list[bytes]:
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = 160, 96, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.gop_size, context.options = GOP, options
    packets = []
    for index in range(FRAMES):
        frame = av.VideoFrame.from_ndarray(picture(index), format="gray").reformat(format="yuv420p")
        frame.pts = index
        packets += context.encode(frame)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]


H264 = {"preset": "veryfast", "tune": "zerolatency", "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0"}
H265 = {"preset": "ultrafast", "x265-params": f"log-level=none:bframes=0:keyint={GOP}:min-keyint={GOP}:scenecut=0"}


REORDERED = {"preset": "veryfast", "x264-params": f"keyint={GOP}:min-keyint={GOP}:bframes=2:scenecut=0"}


@dataclass(frozen=True)
class Coder:
    """An encoder, and what its messages say."""

    encoder: str
    codec: str
    options: dict[str, str]


CODERS = [
    pytest.param(Coder("libx264", "h264", H264), id="h264"),
    pytest.param(Coder("libx265", "hevc", H265), id="hevc"),
]
VP9 = Coder("libvpx-vp9", "vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"})
AV1 = Coder("libsvtav1", "av1", {"preset": "12", "svtav1-params": "pred-struct=1:lookahead=0"})
ALL = [*CODERS, pytest.param(VP9, id="vp9"), pytest.param(AV1, id="av1")]


def message(stamp_ns: int, data: bytes, codec: str) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<I", len(value) + 1) + value.encode() + b"\0"

    body = struct.pack("<iI", *divmod(stamp_ns, 10**9)) + text("cam")
    body += b"\0" * (-len(body) % 4) + struct.pack("<I", len(data)) + data
    return b"\0\1\0\0" + body + b"\0" * (-len(body) % 4) + text(codec)


def written(path: Path, packets: list[bytes], codec: str | list[str], first: int = 0) -> Path:
    """Several small chunks, so that the decoder crosses batches."""
    codecs = codec if isinstance(codec, list) else [codec] * len(packets)
    path.parent.mkdir(exist_ok=True)
    with McapWriter(path, compression="none", chunk_bytes=2048) as writer:
        schema = writer.add_schema("foxglove_msgs/msg/CompressedVideo", "ros2msg", DEFINITION)
        channel = writer.add_channel("/cam/video", schema)
        for index, (data, name) in enumerate(zip(packets, codecs, strict=True), first):
            stamp_ns = START_NS + index * PERIOD_NS
            writer.write(channel, stamp_ns + 10**6, stamp_ns, index, message(stamp_ns, data, name))
    return path


def frame_row(path: Path) -> Row:
    (facts,) = measure_path(path)
    (row,) = facts.tables["frame"]
    (stream,) = facts.tables["stream"]
    assert stream["first_stamp_ns"] == str(START_NS)
    return row


@pytest.mark.parametrize("kind", CODERS)
def test_every_frame_of_a_video_is_measured(tmp_path: Path, kind: Coder) -> None:
    packets = encoded(kind.encoder, kind.options)
    row = frame_row(written(tmp_path / "v.mcap", packets, kind.codec))
    assert (row["codec"], row["kind"], row["storage"]) == (kind.codec, "color", "message")
    assert (row["n"], row["decoded"], row["failed"], row["leading_n"]) == (FRAMES, FRAMES, 0, 0)
    assert (row["width"], row["height"]) == (160, 96)
    assert (row["keyframes_n"], row["keyframe_interval_n"]) == (FRAMES // GOP, GOP)
    assert row["luma_mean_p50"] == pytest.approx(np.mean(picture(9)), abs=3)
    bits = 8 * sum(map(len, packets))
    assert row["bits_per_pixel"] == pytest.approx(bits / (FRAMES * 160 * 96), rel=1e-6)
    assert isinstance(row["motion_energy_p50"], float)
    assert row["motion_energy_p50"] > 0.1
    assert row["frozen_n"] == 0


def test_what_is_built_on_a_lost_frame_has_failed_too(tmp_path: Path) -> None:
    packets = encoded("libx264", H264)
    packets[15] = packets[15][: len(packets[15]) // 2]
    row = frame_row(written(tmp_path / "v.mcap", packets, "h264"))
    assert (row["failed"], row["decoded"], row["leading_n"]) == (24 - 15, FRAMES - (24 - 15), 0)


@pytest.mark.parametrize("kind", ALL)
def test_a_recording_that_joins_a_live_stream_sees_it_from_the_first_key_frame(tmp_path: Path, kind: Coder) -> None:
    packets = encoded(kind.encoder, kind.options)
    joined = frame_row(written(tmp_path / "joined.mcap", packets[5:], kind.codec))
    n, leading = FRAMES - 5, GOP - 5
    assert (joined["n"], joined["decoded"], joined["failed"], joined["leading_n"]) == (n, n - leading, 0, leading)
    assert joined["leading_ratio"] == pytest.approx(leading / n)
    whole = frame_row(written(tmp_path / "whole.mcap", packets[GOP:], kind.codec))
    apart = {"n", "leading_n", "leading_ratio"}
    assert {name: joined[name] for name in joined if name not in apart} == {
        name: whole[name] for name in whole if name not in apart
    }


def without_keys(packets: list[bytes]) -> list[bytes]:
    return [data for index, data in enumerate(packets) if index % GOP]


def cut_key(packets: list[bytes]) -> list[bytes]:
    return [*packets[5:GOP], packets[GOP][: len(packets[GOP]) // 2], *packets[GOP + 1 :]]


def key_without_begin(packets: list[bytes]) -> list[bytes]:
    return [*packets[5:GOP], bytes(4) + packets[GOP][4:], *packets[GOP + 1 :]]


def noise_ahead(packets: list[bytes]) -> list[bytes]:
    return [b"\xff" * 90, b"", *packets[7:]]


def noise_between(packets: list[bytes]) -> list[bytes]:
    return [packets[5], b"\xff" * 90, *packets[6:]]


def no_frame_ahead(packets: list[bytes]) -> list[bytes]:
    """Parameter sets alone."""
    return [packets[0][: packets[0].rindex(b"\0\0\1")], *packets[5:]]


@pytest.mark.parametrize("kind", CODERS)
@pytest.mark.parametrize(
    ("change", "failed", "leading"),
    [
        (without_keys, FRAMES - FRAMES // GOP, 0),
        (cut_key, GOP, GOP - 5),
        (key_without_begin, GOP, GOP - 5),
        (noise_ahead, 2 + GOP - 7, 0),
        (noise_between, 1 + GOP - 6, 1),
        (no_frame_ahead, 1 + GOP - 5, 0),
    ],
)
def test_what_no_key_frame_explains_has_failed(
    tmp_path: Path, kind: Coder, change: Change, failed: int, leading: int
) -> None:
    packets = change(encoded(kind.encoder, kind.options))
    row = frame_row(written(tmp_path / "v.mcap", packets, kind.codec))
    assert (row["failed"], row["leading_n"]) == (failed, leading)
    assert row["decoded"] == len(packets) - failed - leading


def test_another_codec_in_the_same_stream_does_not_begin_it_again(tmp_path: Path) -> None:
    packets = [*encoded("libx264", H264)[:GOP], *encoded("libx265", H265)[5:]]
    path = written(tmp_path / "v.mcap", packets, ["h264"] * GOP + ["h265"] * (FRAMES - 5))
    row = frame_row(path)
    assert (row["codec"], row["failed"], row["leading_n"]) == (None, GOP - 5, 0)


def test_pictures_that_follow_an_open_key_frame_and_look_back_are_leading(tmp_path: Path) -> None:
    """H.265: pictures that the standard leaves out where a decoder enters at this key frame."""
    params = f"log-level=none:bframes=3:keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=1"
    packets = encoded("libx265", {"preset": "medium", "x265-params": params})
    kinds = [access("hevc", data) for data in packets]
    first = kinds.index(Access.ALONE, 1)
    skipped = kinds.index(Access.DEPENDENT, first) - first - 1
    assert skipped
    row = frame_row(written(tmp_path / "v.mcap", packets[5:], "hevc"))
    assert (row["leading_n"], row["failed"]) == (first - 5 + skipped, 0)
    full = frame_row(written(tmp_path / "full.mcap", packets, "hevc"))
    assert (full["leading_n"], full["decoded"]) == (0, FRAMES)


def test_the_same_of_h264_where_only_the_order_tells(tmp_path: Path) -> None:
    params = f"keyint={GOP}:min-keyint={GOP}:bframes=3:b-adapt=0:scenecut=0:open-gop=1"
    packets = encoded("libx264", {"preset": "veryfast", "x264-params": params})
    kinds = [access("h264", data) for data in packets]
    first = kinds.index(Access.OPEN)
    joined = frame_row(written(tmp_path / "joined.mcap", packets[5:], "h264"))
    full = frame_row(written(tmp_path / "full.mcap", packets, "h264"))
    assert (full["leading_n"], full["decoded"], full["keyframes_n"]) == (0, FRAMES, 1 + kinds.count(Access.OPEN))
    assert joined["failed"] == 0
    assert joined["leading_n"] > first - 5, "B-frames after the key frame look back"
    packets[first] = packets[first][: len(packets[first]) // 2]
    assert frame_row(written(tmp_path / "damaged.mcap", packets[5:], "h264"))["failed"] > 0


@pytest.mark.parametrize("at", range(GOP, 2 * GOP))
def test_damage_among_reordered_frames_reaches_to_the_next_key_frame(h264_reordered: list[bytes], at: int) -> None:
    packets = list(h264_reordered)
    packets[at] = packets[at][:5]
    decoder = VideoDecoder("h264")
    found = [shown for data in packets for shown in decoder.feed(data)] + decoder.finish()
    seen, whole = {shown.number for shown in found if shown.plane}, {*range(at), *range(2 * GOP, FRAMES)}
    assert seen <= whole
    assert len(whole - seen) <= 2, "the decoder lets those go that were to come out with the damaged one"


@pytest.fixture(scope="module")
def h264_reordered() -> list[bytes]:
    return encoded("libx264", REORDERED)


def test_a_key_frame_that_others_are_shown_before_begins_a_stream(tmp_path: Path) -> None:
    """H.265: pictures that follow it, are shown before it, and look at nothing else (RADL)."""
    params = f"log-level=none:bframes=3:keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0:radl=2"
    packets = encoded("libx265", {"preset": "medium", "x265-params": params})
    first = [access("hevc", data) for data in packets].index(Access.ALONE, 1)
    row = frame_row(written(tmp_path / "v.mcap", packets[first:], "hevc"))
    assert (row["n"], row["decoded"], row["leading_n"]) == (FRAMES - first, FRAMES - first, 0)


def contents(packets: list[bytes]) -> list[bytes]:
    """Digest of each frame that comes out whole."""
    decoder = VideoDecoder("h264")
    found = [shown for data in packets for shown in decoder.feed(data)] + decoder.finish()
    return [shown.plane.content for shown in found if shown.plane is not None]


def test_a_stream_that_is_refreshed_bit_by_bit_is_seen_once_all_of_it_is_new(tmp_path: Path) -> None:
    params = f"intra-refresh=1:keyint={GOP}:scenecut=0"
    packets = encoded("libx264", {"preset": "veryfast", "tune": "zerolatency", "x264-params": params})
    kinds = [access("h264", data) for data in packets]
    assert Access.ALONE not in kinds[1:]
    begin = kinds.index(Access.REFRESH)
    row = frame_row(written(tmp_path / "joined.mcap", packets[5:], "h264"))
    assert row["failed"] == 0
    assert begin - 5 < row["leading_n"] < begin - 5 + GOP
    assert contents(packets[5:]) == contents(packets)[-row["decoded"] :], "the same pixels as with all that was sent"
    never = [data for data, kind in zip(packets, kinds, strict=True) if kind is Access.DEPENDENT]
    lost = frame_row(written(tmp_path / "never.mcap", never, "h264"))
    assert (lost["decoded"], lost["failed"], lost["leading_n"]) == (0, len(never), 0)
    packets[begin + 2] = packets[begin + 2][:20]
    damaged = frame_row(written(tmp_path / "damaged.mcap", packets[5:], "h264"))
    assert (damaged["decoded"], damaged["failed"]) == (0, damaged["n"])


def test_a_decoder_goes_on_in_the_next_file_of_a_recording(tmp_path: Path) -> None:
    packets = encoded("libx264", H264)
    one = written(tmp_path / "one" / "data_000.mcap", packets, "h264")
    first = written(tmp_path / "two" / "data_000.mcap", packets[: GOP + 5], "h264")
    written(first.with_name("data_001.mcap"), packets[GOP + 5 :], "h264", first=GOP + 5)
    row, whole = frame_row(first.parent), frame_row(one.parent)
    assert (row["decoded"], row["leading_n"], row["failed"]) == (FRAMES, 0, 0)
    assert row["content_sha256"] == whole["content_sha256"]


def test_frames_that_come_out_late_keep_their_place(tmp_path: Path) -> None:
    """B-frames leave the encoder out of order; a bag holds them as they came, and all are decoded."""
    row = frame_row(written(tmp_path / "v.mcap", encoded("libx264", REORDERED), "h264"))
    assert (row["decoded"], row["failed"]) == (FRAMES, 0)


REAL = sorted((Path(__file__).parents[3] / "shared" / "realdata").glob("lerobot*/videos/**/*.mp4"))


@pytest.mark.skipif(not REAL, reason="the real recordings lie beside the repository, not in it")
def test_real_av1_of_a_humanoid_decodes_as_messages(tmp_path: Path) -> None:
    with av.open(str(REAL[0])) as container:
        stream = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size][:48]
        size = stream.codec_context.width, stream.codec_context.height
        container.seek(0)
        wanted = [frame.to_ndarray(format="gray") for frame, _ in zip(container.decode(stream), packets, strict=False)]
    row = frame_row(written(tmp_path / "v.mcap", packets, "av1"))
    assert (row["codec"], row["decoded"], row["failed"]) == ("av1", 48, 0)
    assert (row["width"], row["height"]) == size
    assert row["luma_mean_p50"] == pytest.approx(sorted(image.mean() for image in wanted)[23], abs=1.5)
    assert row["keyframe_interval_n"] == 2  # as LeRobot encodes


def test_noise_is_no_video(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    row = frame_row(written(tmp_path / "v.mcap", [draw.bytes(400) for _ in range(6)], "h264"))
    assert (row["decoded"], row["failed"]) == (0, 6)


def test_without_the_extra_it_is_undetermined_and_says_what_to_install(tmp_path: Path) -> None:
    path = written(tmp_path / "v.mcap", encoded("libx264", H264), "h264")
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from pathlib import Path\nfrom embodied_kit.measure.api import measure_path\n"
        f"(facts,) = measure_path(Path({str(path)!r}))\n"
        "(row,) = facts.tables['frame']\n"
        "assert row['failed'] is None and row['luma_mean_p50'] is None\n"
        "assert [item['reason'] for item in facts.tables['coverage'] if not item['decoded']] "
        "== [row['undetermined']['failed']]\n"
        "print(row['undetermined']['failed'])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == NO_VIDEO
