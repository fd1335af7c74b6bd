from __future__ import annotations

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.measure.image import (
    Plane,
    UndecodableError,
    colour_numbers,
    decode_jpeg,
    decode_raw,
    depth_numbers,
    is_jpeg,
)


def laplacian_variance(pixels: np.ndarray) -> float:
    p = pixels.astype(np.float64)
    inner = p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1] - 4 * p[1:-1, 1:-1]
    return float(inner.var())


@pytest.mark.parametrize("shape", [(48, 64), (3, 3), (700, 900), (3, 300_000)])
def test_numbers_of_a_grey_plane_are_those_of_their_definitions(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    found = colour_numbers(pixels)
    ordered = np.sort(pixels.ravel())
    assert found.mean == pytest.approx(pixels.mean(), rel=1e-12)
    assert found.clipped_ratio == (pixels >= 250).mean()
    assert found.contrast == float(ordered[-(-19 * pixels.size // 20) - 1]) - ordered[-(-pixels.size // 20) - 1]
    assert found.sharpness == pytest.approx(laplacian_variance(pixels), rel=1e-9)


def test_a_flat_image_is_neither_sharp_nor_contrasted() -> None:
    found = colour_numbers(np.full((20, 30), 255, np.uint8))
    assert (found.mean, found.clipped_ratio, found.contrast, found.sharpness) == (255, 1, 0, 0)


def test_a_jpeg_decodes_to_its_own_luma() -> None:
    rows, columns = np.mgrid[0:48, 0:64]
    colour = np.stack([rows * 5, columns * 4, rows + columns], -1).astype(np.uint8)
    plane = decode_jpeg(simplejpeg.encode_jpeg(colour, quality=95, colorspace="RGB"))
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert plane.pixels.shape == (48, 64)
    assert np.abs(plane.pixels - luma).max() < 8


@pytest.mark.parametrize("damage", ["cut", "rubbish", "empty"])
def test_damaged_jpegs_are_undecodable(damage: str) -> None:
    image = np.random.default_rng(4).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    data = simplejpeg.encode_jpeg(image)
    broken = {"cut": data[: len(data) // 2], "rubbish": b"x" * 1000, "empty": b""}[damage]
    with pytest.raises(UndecodableError):
        decode_jpeg(broken)


def raw(encoding: str, pixels: np.ndarray, pad: int = 0, *, big: bool = False) -> Plane:
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    data = np.pad(rows, ((0, 0), (0, pad))).tobytes()
    return decode_raw(data, encoding, height, width, rows.shape[1] + pad, big=big)


def test_raw_encodings_agree_on_one_picture() -> None:
    colour = np.random.default_rng(5).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    wanted = raw("rgb8", colour)
    assert np.abs(wanted.pixels - colour @ np.array([0.299, 0.587, 0.114])).max() < 1
    assert raw("bgr8", colour[:, :, ::-1], pad=7).content == wanted.content
    alpha = np.dstack([colour, np.zeros((6, 5), np.uint8)])
    assert raw("rgba8", alpha).content == wanted.content
    assert raw("mono8", wanted.pixels).content == wanted.content
    assert raw("mono16", wanted.pixels.astype("<u2") << 8).content == wanted.content


def test_depth_is_read_in_both_byte_orders() -> None:
    depth = np.array([[0, 500], [700, 900]], "<u2")
    plane = raw("16UC1", depth)
    assert plane.kind == "depth"
    assert raw("16UC1", depth.astype(">u2"), big=True).content == plane.content
    assert (depth_numbers(plane.pixels).zero_ratio, depth_numbers(plane.pixels).median) == (0.25, 700)
    metres = raw("32FC1", np.array([[np.nan, 0.5], [np.inf, 0.9]], "<f4"))
    assert depth_numbers(metres.pixels).zero_ratio == 0.5
    assert depth_numbers(metres.pixels).median == 0.5
    assert depth_numbers(np.zeros((2, 2), np.uint16)).median is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_sizes_that_lie_are_undecodable(height: int, width: int, step: int) -> None:
    try:
        plane = decode_raw(b"\0" * 64, "mono8", height, width, step, big=False)
    except UndecodableError:
        return
    assert plane.pixels.shape == (height, width)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jpeg", True),
        ("rgb8; jpeg compressed bgr8", True),
        ("JPG", True),
        ("png", False),
        ("h264", False),
        ("", False),
        ("16UC1; compressedDepth png", False),
    ],
)
def test_formats_of_compressed_images(text: str, expected: bool) -> None:
    assert is_jpeg(text) is expected
