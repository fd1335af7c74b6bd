"""RVL against an encoder that goes pixel by pixel, as its publication describes it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure.synthetic import START_NS
from measure.test_hostile import definition, header, measured, one_file, only

from embodied_kit.measure.images.image import UndecodableError, decode_compressed_depth
from embodied_kit.measure.images.rvl import BLOCK_WORDS, RvlError, decode_rvl
from embodied_kit.messages.codec import codec


def encoded(pixels: list[int]) -> bytes:
    nibbles: list[int] = []

    def put(value: int) -> None:
        while True:
            low, value = value & 7, value >> 3
            nibbles.append(low | (8 if value else 0))
            if not value:
                return

    at, before = 0, 0
    while at < len(pixels):
        begin = at
        while at < len(pixels) and not pixels[at]:
            at += 1
        put(at - begin)
        begin = at
        while at < len(pixels) and pixels[at]:
            at += 1
        put(at - begin)
        for value in pixels[begin:at]:
            difference, before = value - before, value
            put(2 * difference if difference >= 0 else -2 * difference - 1)
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{nibble:x}" for nibble in nibbles[at : at + 8]), 16) for at in range(0, len(nibbles), 8)]
    return struct.pack(f"<{len(words)}I", *words)


RUNS = st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(1, 65535), max_size=8)), max_size=8)


@given(RUNS, st.sampled_from([1, 2, 3, 7, 2**16]))
def test_what_an_encoder_wrote_comes_back(runs: list[tuple[int, list[int]]], block_words: int) -> None:
    """Whatever the blocks: a count, a run or one number may go on in the next."""
    pixels = [value for zeros, values in runs for value in [0] * zeros + values]
    data = encoded(pixels)
    assert decode_rvl(data, len(pixels), block_words).tolist() == pixels
    assert decode_rvl(data + b"\xff" * 8, len(pixels), block_words).tolist() == pixels
    if pixels:
        with pytest.raises(RvlError):
            decode_rvl(data[:-4], len(pixels), block_words)


@given(st.binary(max_size=200), st.integers(1, 300), st.sampled_from([1, 2, 2**16]))
def test_noise_is_damage_or_pixels(noise: bytes, n: int, block_words: int) -> None:
    try:
        found = decode_rvl(noise, n, block_words)
    except RvlError:
        return
    assert found.shape == (n,)


def scene(height: int, width: int) -> np.ndarray:
    """A slope with noise in mm and holes, as depth cameras give it."""
    draw = np.random.default_rng(4)
    depth = 700 + np.arange(width) // 2 + draw.integers(0, 60, (height, width))
    depth[draw.random((height, width)) < 0.02] = 0
    depth[height // 3 : height // 2, width // 4 : width // 2] = 0
    return depth.astype(np.uint16)


def message(depth: np.ndarray, a: float = 0.0, b: float = 0.0) -> bytes:
    return struct.pack("<iffII", 0, a, b, depth.shape[1], depth.shape[0]) + encoded(depth.ravel().tolist())


def test_a_depth_image_of_several_blocks() -> None:
    depth = scene(480, 640)
    data = message(depth)
    assert len(data) > 8 * BLOCK_WORDS, "several blocks"
    plane = decode_compressed_depth(data, "16UC1", rvl=True)
    assert plane.kind == "depth"
    assert (plane.pixels == depth).all()


def test_of_32fc1_the_quantisation_is_undone() -> None:
    stored = np.array([[0, 1000], [2000, 4000]], np.uint16)
    found = decode_compressed_depth(message(stored, 1500.0, 500.0), "32FC1", rvl=True)
    assert found.pixels.tolist() == [[0, 3.0], [1.0, np.float32(1500 / 3500)]]


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (2**31, 2**31), (2**20, 2), (4, 5), (8, 8)])
def test_a_size_that_is_not_that_of_the_pixels_is_damage(size: tuple[int, int]) -> None:
    data = bytearray(message(scene(4, 4)))
    struct.pack_into("<II", data, 12, *size)
    with pytest.raises(UndecodableError):
        decode_compressed_depth(bytes(data), "16UC1", rvl=True)


@pytest.mark.parametrize("n", [12, 19, 20, 23])
def test_a_message_that_ends_early_is_damage(n: int) -> None:
    with pytest.raises(UndecodableError):
        decode_compressed_depth(message(scene(4, 4))[:n], "16UC1", rvl=True)


def test_a_recording_of_rvl_is_measured(tmp_path: Path) -> None:
    kind, depth = "sensor_msgs/msg/CompressedImage", scene(48, 64)
    payloads = [message(depth), message(depth)[:-8]]
    messages = [
        codec(kind).encode({"header": header(START_NS + at), "format": "16UC1; compressedDepth rvl", "data": data})
        for at, data in enumerate(payloads)
    ]
    row = only(measured(one_file(tmp_path, kind, definition(kind), messages)), "frame")
    assert (row["codec"], row["kind"], row["decoded"], row["failed"]) == ("compressed_depth", "depth", 1, 1)
    assert row["valid_raw_p50"] == np.sort(depth[depth > 0])[(np.count_nonzero(depth) + 1) // 2 - 1]
    assert row["zero_ratio_p50"] == pytest.approx((depth == 0).mean())
