from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from embodied_kit.measure.images.encoding import Coding, jpeg_quality, read_coding
from embodied_kit.measure.images.image import (
    Plane,
    UndecodableError,
    decode_compressed_depth,
    decode_jpeg,
    decode_png,
    decode_raw,
)
from embodied_kit.measure.images.pixels import colour_numbers, depth_numbers


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


@pytest.mark.parametrize("order", ["bayer_rggb8", "bayer_gbrg8"])
def test_a_mosaic_becomes_the_mean_of_its_windows(order: str) -> None:
    mosaic = np.random.default_rng(2).integers(0, 256, (6, 8)).astype(np.uint8)
    found = raw(order, mosaic).pixels
    assert found.shape == mosaic.shape
    assert found[2, 3] == (int(mosaic[2:4, 3:5].sum()) + 2) >> 2


def test_packed_and_planar_video_layouts_give_their_luma() -> None:
    luma = np.random.default_rng(4).integers(16, 236, (6, 8)).astype(np.uint8)
    packed = np.stack([luma, np.full_like(luma, 128)], -1)
    assert (raw("yuyv", packed).pixels == luma).all()
    assert (raw("uyvy", packed[:, :, ::-1]).pixels == luma).all()
    assert (raw("nv21", luma).pixels == luma).all()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_png_of_16_bits_holds_depth_and_of_8_bits_luma() -> None:
    depth = np.random.default_rng(5).integers(0, 65536, (24, 32)).astype(np.uint16)
    plane = decode_png(png(depth), "16UC1")
    assert (plane.kind, plane.pixels.dtype) == ("depth", np.uint16)
    assert (plane.pixels == depth).all()
    assert decode_png(png(depth), "mono16").kind == "color"
    colour = np.random.default_rng(6).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    assert (decode_png(png(colour), "bgr8").pixels == raw("rgb8", colour).pixels).all()
    assert (decode_png(png(colour[:, :, 0]), "mono8").pixels == colour[:, :, 0]).all()


def test_compressed_depth_undoes_its_quantisation() -> None:
    stored = np.array([[0, 1000], [2000, 4000]], np.uint16)
    head = struct.pack("<iff", 0, 1500.0, 500.0)
    metres = decode_compressed_depth(head + png(stored), "32FC1")
    assert metres.pixels.tolist() == [[0, 3.0], [1.0, np.float32(1500 / 3500)]]
    assert (decode_compressed_depth(head + png(stored), "16UC1").pixels == stored).all()


def test_a_png_that_claims_a_size_beyond_reason_is_undecodable() -> None:
    whole = bytearray(png(np.zeros((8, 8), np.uint8)))
    whole[16:24] = struct.pack(">II", 2**30, 2**30)
    with pytest.raises(UndecodableError, match="larger than this tool looks at"):
        decode_png(bytes(whole), "mono8")


@given(st.binary(max_size=200), st.integers(0, 300), st.booleans())
def test_damaged_png_are_undecodable_or_images(noise: bytes, cut: int, depth: bool) -> None:
    whole = png(np.arange(64, dtype=np.uint16).reshape(8, 8))
    data = whole[:cut] + noise
    decode = decode_compressed_depth if depth else decode_png
    try:
        plane = decode(b"\0" * 12 + data if depth else data, "16UC1")
    except UndecodableError:
        return
    assert plane.pixels.ndim == 2


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        ("jpeg", "jpeg", ""),
        ("rgb8; jpeg compressed bgr8", "jpeg", "rgb8"),
        ("JPG", "jpeg", ""),
        ("png", "png", ""),
        ("16UC1; png compressed ", "png", "16UC1"),
        ("16UC1; compressedDepth png", "compressed_depth", "16UC1"),
        ("32FC1; compressedDepth", "compressed_depth", "32FC1"),
        ("16UC1; compressedDepth rvl", "compressed_depth", "16UC1"),
        ("h264", "h264", ""),
        ("h265", "hevc", ""),
        ("libx264", "h264", ""),
        ("hevc_nvenc", "hevc", ""),
        ("av1", "av1", ""),
        ("bgr8", "raw", "bgr8"),
        ("", "unknown", ""),
    ],
)
def test_what_the_text_beside_an_image_says(text: str, codec: str, encoding: str) -> None:
    assert read_coding(text) == Coding(codec, encoding, rvl="rvl" in text)


@pytest.mark.parametrize("quality", [5, 20, 50, 75, 80, 90, 95, 100])
def test_quality_of_a_jpeg_is_the_one_it_was_made_with(quality: int) -> None:
    colour = np.random.default_rng(7).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    assert jpeg_quality(simplejpeg.encode_jpeg(colour, quality=quality)) == pytest.approx(quality, abs=1)


@given(st.binary(max_size=300))
def test_quality_of_what_is_no_jpeg_is_none_or_a_quality(data: bytes) -> None:
    found = jpeg_quality(b"\xff\xd8" + data)
    assert found is None or 1 <= found <= 100
