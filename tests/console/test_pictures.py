"""Depth and video on the page: colours of distances, key frames alone and not too many, and what to install."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from clone import python
from console.browser import CHROMIUM, running_browser
from console.stand import Camera, running_stand
from measure.test_rvl import message as rvl_message
from measure.test_video import H264, H265, encoded
from measure.test_video import picture as picture_of
from PIL import Image
from recorder.support import ROOT, contract_document, contract_from, stream

from embodied_kit.measure.images.depthcolours import DEPTH_RANGE_M
from embodied_kit.messages.codec import Codec, codec
from embodied_kit.messages.coded import COMPRESSED_IMAGE, COMPRESSED_VIDEO, FFMPEG_PACKET, IMAGE, coded_picture
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Sample
from embodied_recorders.console import serve
from embodied_recorders.console.pictures import NEEDS_VIDEO, VIDEO_PERIOD_S, Picture, Pictures
from embodied_recorders.loop.live import LiveStreams

pytest.importorskip("av", reason="the extra video is not installed")
SIZE = 240, 320
METRES = np.array([0.2, 0.5, 1.0, 3.0])
"""Of four columns; a fifth has no distance."""


@pytest.fixture(scope="module")
def h264() -> list[bytes]:
    return encoded("libx264", H264)


@pytest.fixture(scope="module")
def h265() -> list[bytes]:
    return encoded("libx265", H265)


def scene() -> np.ndarray:
    """Distances in m, 64 columns each; NaN where there is none."""
    return np.repeat(np.append(METRES, np.nan), 64)[None].repeat(SIZE[0], 0)


def raw_depth(encoding: str, *, big: bool = False) -> bytes:
    wanted = {"16UC1": ("u2", np.nan_to_num(scene()) * 1000), "32FC1": ("f4", scene())}[encoding]
    values = wanted[1].astype(np.dtype(wanted[0]).newbyteorder(">" if big else "<"))
    fields = {"height": SIZE[0], "width": SIZE[1], "encoding": encoding, "is_bigendian": big}
    return codec(IMAGE).encode({**fields, "step": values.strides[0], "data": values.tobytes()})


def compressed_depth(encoding: str) -> bytes:
    """As compressed_depth_image_transport does: a header, and a PNG of 16 bits."""
    a, b = (1000.0, 50.0) if encoding == "32FC1" else (0.0, 0.0)
    with np.errstate(invalid="ignore"):
        values = np.nan_to_num(a / scene() + b if a else scene() * 1000).astype(np.uint16)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    data = struct.pack("<iff", 0, a, b) + file.getvalue()
    return codec(COMPRESSED_IMAGE).encode({"format": f"{encoding}; compressedDepth png", "data": data})


def rvl_depth() -> bytes:
    millimetres = (np.nan_to_num(scene()) * 1000).astype(np.uint16)
    return codec(COMPRESSED_IMAGE).encode({"format": "16UC1; compressedDepth rvl", "data": rvl_message(millimetres)})


@pytest.mark.parametrize(
    ("ros_type", "make"),
    [
        (IMAGE, partial(raw_depth, "16UC1")),
        (IMAGE, partial(raw_depth, "32FC1")),
        (IMAGE, partial(raw_depth, "16UC1", big=True)),
        (COMPRESSED_IMAGE, partial(compressed_depth, "16UC1")),
        (COMPRESSED_IMAGE, partial(compressed_depth, "32FC1")),
        (COMPRESSED_IMAGE, rvl_depth),
    ],
)
def test_a_distance_has_the_same_colour_whatever_else_is_seen(ros_type: str, make: Callable[[], bytes]) -> None:
    picture = Pictures().picture("depth", ros_type, make())
    assert picture is not None
    assert picture.note["en"] == "0.1–10 m"
    shown = simplejpeg.decode_jpeg(picture.jpeg, colorspace="RGB").astype(int)
    assert shown.shape == (*SIZE, 3)
    near, far = DEPTH_RANGE_M
    bar = shown[-3]  # the whole range from left to right, by the logarithm
    for column, metres in enumerate(METRES):
        place = round(np.log(metres / near) / np.log(far / near) * (SIZE[1] - 1))
        assert np.abs(shown[100, 32 + 64 * column] - bar[place]).max() < 12, metres
    light = shown[100, 32::64].sum(axis=1)
    assert (np.diff(light) < -40).all(), "near is bright, and no distance is black"
    assert light[-1] < 20


def video_message(ros_type: str, coding: str, data: bytes) -> bytes:
    names = {COMPRESSED_IMAGE: "format", COMPRESSED_VIDEO: "format", FFMPEG_PACKET: "encoding"}
    fields = {names[ros_type]: coding, "data": data}
    if ros_type != COMPRESSED_VIDEO:
        fields["header"] = {"stamp": {"sec": 1, "nanosec": 2}, "frame_id": "a camera"}
    return coder(ros_type).encode(fields)


def coder(ros_type: str) -> Codec:
    if ros_type == COMPRESSED_IMAGE:
        return codec(ros_type)
    found = TypeStore([]).definition(ros_type, None)
    assert found is not None
    return Codec(ros_type, found.text)


@pytest.mark.parametrize("ros_type", [COMPRESSED_IMAGE, COMPRESSED_VIDEO, FFMPEG_PACKET])
@pytest.mark.parametrize("coding", ["h264", "hevc"])
def test_a_key_frame_is_shown(ros_type: str, coding: str, h264: list[bytes], h265: list[bytes]) -> None:
    packets = h264 if coding == "h264" else h265
    message = video_message(ros_type, coding, packets[0])
    picture = Pictures().picture("camera", ros_type, message)
    assert picture is not None
    assert picture.note == {}
    shown = simplejpeg.decode_jpeg(picture.jpeg, colorspace="RGB")
    assert shown.shape == (96, 160, 3)
    assert np.abs(shown.astype(int) - picture_of(0)[:, :, None]).mean() < 3
    for lost in (packets[0][:200], packets[1], b""):
        bad = video_message(ros_type, coding, lost)
        assert Pictures().picture("camera", ros_type, bad) == Picture()
    assert Pictures().picture("camera", ros_type, message[:-300]) == Picture()


def test_only_a_whole_message_has_a_picture(h264: list[bytes]) -> None:
    message = video_message(FFMPEG_PACKET, "h264;yuv420p;bgr8;bgr8", h264[0])
    found = coded_picture(FFMPEG_PACKET, message)
    assert found is not None
    assert (found.coding, bytes(found.data)) == ("h264;yuv420p;bgr8;bgr8", h264[0])
    assert all(coded_picture(FFMPEG_PACKET, message[:n]) is None for n in range(len(message) - 4))
    assert coded_picture("sensor_msgs/msg/JointState", message) is None
    assert coded_picture(FFMPEG_PACKET, b"\0\3" + message[2:]) is None


def test_a_video_is_decoded_twice_a_second_at_most(h264: list[bytes]) -> None:
    """Whatever number of pages asks; still pictures are not held back."""
    now = 0.0
    pictures = Pictures(lambda: now)
    keys = [video_message(COMPRESSED_VIDEO, "h264", h264[at]) for at in (0, 12, 24)]
    first = pictures.picture("camera", COMPRESSED_VIDEO, keys[0])
    assert first is not None
    assert first.jpeg
    now = VIDEO_PERIOD_S - 0.01
    assert pictures.picture("camera", COMPRESSED_VIDEO, keys[1]) is None
    assert pictures.picture("camera", COMPRESSED_VIDEO, keys[0]) is first
    other = pictures.picture("other", COMPRESSED_VIDEO, keys[1])
    assert other is not None
    now = VIDEO_PERIOD_S + 0.01
    later = pictures.picture("camera", COMPRESSED_VIDEO, keys[2])
    assert later is not None
    assert later.jpeg != first.jpeg
    depth = [pictures.picture("depth", IMAGE, raw_depth("16UC1")) for _ in range(2)]
    assert all(depth)


def test_of_a_video_the_newest_key_frame_is_kept_and_of_depth_the_newest_message(h264: list[bytes]) -> None:
    entries = [
        stream("video", "/video", COMPRESSED_VIDEO, 30, modality="vision", role="observation"),
        stream("depth", "/depth", IMAGE, 30, modality="spatial", role="observation"),
        stream("joints", "/joints", "sensor_msgs/msg/JointState", 30),
    ]
    live = LiveStreams(contract_from(contract_document(*entries)))
    messages = [video_message(COMPRESSED_VIDEO, "h264", data) for data in h264]

    def add(topic: str, *cdrs: bytes) -> None:
        live.add([Sample(topic, cdr, 0, 0, "", None) for cdr in cdrs], 0.0)

    add("/video", *messages[5:9])
    assert live.image("video") is None
    add("/video", *messages[9:14])
    assert live.image("video") is messages[12]
    add("/video", *messages[14:24])
    assert live.image("video") is messages[12]
    add("/video", *messages[24:])
    assert live.image("video") is messages[24]
    depths = [raw_depth("16UC1"), raw_depth("32FC1")]
    add("/depth", *depths)
    assert live.image("depth") is depths[1]
    add("/joints", codec("sensor_msgs/msg/JointState").encode({}))
    assert live.image("joints") is None


def test_without_the_extra_the_tile_says_what_to_install(tmp_path: Path, h264: list[bytes]) -> None:
    (tmp_path / "message").write_bytes(video_message(COMPRESSED_VIDEO, "h264", h264[0]))
    code = """
import sys
sys.modules["av"] = None
from embodied_recorders.console.pictures import Pictures
found = Pictures().picture("camera", "foxglove_msgs/msg/CompressedVideo", open("message", "rb").read())
print(found.jpeg, found.note["en"])
"""
    done = python(code, ROOT, ROOT / "recorders", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"b'' {NEEDS_VIDEO['en']}\n", "")
    assert "pip install 'embodied_kit[video]'" in NEEDS_VIDEO["zh"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
def test_the_page_shows_depth_and_video(
    tmp_path: Path, h264: list[bytes], h265: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def video(name: str, coding: str, packets: list[bytes]) -> Camera:
        return Camera(name, [video_message(COMPRESSED_VIDEO, coding, data) for data in packets], COMPRESSED_VIDEO)

    cameras = [
        Camera("depth_raw", [raw_depth("16UC1")], IMAGE, "spatial"),
        Camera("depth_png", [compressed_depth("32FC1")], COMPRESSED_IMAGE, "spatial"),
        video("wrist_h264", "h264", h264[5:]),
        video("head_h265", "h265", h265[5:]),
    ]
    pixel = "[...document.querySelector('[data-stream={}] canvas').getContext('2d').getImageData({}, {}, 1, 1).data]"
    live = "document.querySelectorAll('figure:not(.old)').length"
    with running_stand(tmp_path / "one", cameras) as stand, running_browser(tmp_path) as browser:
        stand.until("armed")
        with serve(stand.controller) as url, browser.page(url) as page:
            page.until(f"{live} === 4")
            for name in ("depth_raw", "depth_png"):
                assert page.text(f"[data-stream={name}] small") == "0.1–10 m"
                light = [sum(page.evaluate(pixel.format(name, 32 + 64 * column, 100))[:3]) for column in range(5)]
                assert light == sorted(light, reverse=True)
                assert light[-1] < 20 < light[-2]
            for name in ("wrist_h264", "head_h265"):
                assert page.text(f"[data-stream={name}] small") == ""
                assert page.text(f"[data-stream={name}] figcaption span").endswith("Hz")
                assert sum(page.evaluate(pixel.format(name, 80, 80))[:3]) > 200
            seen = page.evaluate("document.querySelector('[data-stream=wrist_h264] canvas').toDataURL()")
            page.until(f"document.querySelector('[data-stream=wrist_h264] canvas').toDataURL() !== {seen!r}")
            page.picture(tmp_path / "page.png")
        monkeypatch.setitem(sys.modules, "av", None)
        monkeypatch.setattr("embodied_recorders.console.pictures._has_video", lambda: False)
        with serve(stand.controller) as url, browser.page(url, "zh-CN") as page:
            needed = json.dumps(NEEDS_VIDEO["zh"])
            for name in ("wrist_h264", "head_h265"):
                place = f"document.querySelector('[data-stream={name}] p')"
                page.until(f"{place}?.innerText === {needed}")
                seen = page.evaluate(f"(({{ offsetWidth: w, scrollWidth: s }}) => [w, s])({place})")
                assert seen[1] <= seen[0] > 100, "all of it can be read"
            page.picture(tmp_path / "without.png")
