"""What images show: blur of a known length, what moved, and whether two cameras show the same."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.images.blur import blur_length
from embodied_kit.measure.images.thumbnail import SCALE, difference_hash, motion_energy, motion_grid, thumbnail
from embodied_kit.measure.tables.views import SIMILAR_BITS, Views, motion_numbers, similar_numbers

PERIOD_NS = 33_333_333


def scene(seed: int, size: tuple[int, int] = (240, 320), noise: float = 2.0) -> np.ndarray:
    """Rectangles of all sizes and greys on a background, with the noise of a sensor; float."""
    draw = np.random.default_rng(seed)
    found = np.full(size, 110.0)
    for _ in range(60):
        top, left = draw.integers(0, size[0] - 20), draw.integers(0, size[1] - 20)
        height, width = draw.integers(24, 90, 2)
        found[top : top + height, left : left + width] = draw.integers(20, 235)
    return found + noise * draw.standard_normal(size) if noise else found


def smeared(image: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Straight motion of `length` px: the mean of the image and its shifted copies."""
    return sum(np.roll(image, shift, axis) for shift in range(length)) / length


def grey(image: np.ndarray) -> np.ndarray:
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 12])
def test_blur_has_the_length_that_it_was_made_with(length: int, axis: int) -> None:
    clean = scene(11, noise=0)
    assert blur_length(grey(smeared(clean, length, axis))) == pytest.approx(length, rel=0.08)


@pytest.mark.parametrize("length", [1, 5, 12])
def test_noise_and_compression_hardly_change_the_blur_that_is_found(length: int) -> None:
    noisy = grey(smeared(scene(12, noise=0), length, 1) + 2 * np.random.default_rng(1).standard_normal((240, 320)))
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(np.stack([noisy] * 3, -1)), quality=80)
    found = blur_length(simplejpeg.decode_jpeg(jpeg, colorspace="GRAY")[:, :, 0])
    assert found == pytest.approx(length, rel=0.25, abs=0.6)


def test_an_image_without_edges_has_no_blur_length() -> None:
    assert blur_length(np.full((48, 64), 90, np.uint8)) is None
    assert blur_length(np.zeros((48, 1), np.uint8)) is None


def test_a_thumbnail_holds_the_means_of_its_blocks() -> None:
    image = grey(scene(3, (239, 317)))
    small = thumbnail(image)
    assert small is not None
    rows, columns = [0, 239 * 1 // 24], [317 * 31 // 32, 317]
    assert small[0, 31] == pytest.approx(SCALE * image[rows[0] : rows[1], columns[0] : columns[1]].mean(), abs=0.51)
    assert thumbnail(image[:23]) is None


def test_motion_is_where_it_happens() -> None:
    image = scene(4)
    before = thumbnail(grey(image))
    image[0:40, 0:40] = 255 - image[0:40, 0:40]
    now = thumbnail(grey(image))
    assert before is not None
    assert now is not None
    grid = motion_grid(now, before)
    assert grid[0] > 100
    assert (grid[2:] == 0).all()
    assert motion_energy(now, now) == 0 < motion_energy(now, before)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([60, 80, 95]))
def test_another_compression_and_size_changes_few_bits_of_the_hash(seed: int, quality: int) -> None:
    image = grey(scene(seed))
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(np.stack([image] * 3, -1)), quality=quality)
    again = simplejpeg.decode_jpeg(jpeg, colorspace="GRAY")[:, :, 0]
    assert distance(image, again) <= SIMILAR_BITS
    assert distance(image, np.repeat(np.repeat(again, 2, 0), 2, 1)) <= SIMILAR_BITS


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_another_view_changes_many(seed: int) -> None:
    image = scene(seed, (240, 400))
    assert distance(grey(image[:, :320]), grey(image[:, 60:380])) > SIMILAR_BITS


def distance(first: np.ndarray, second: np.ndarray) -> int:
    hashes = [hash_of(image) for image in (first, second)]
    return int(np.unpackbits(hashes[0] ^ hashes[1]).sum())


def hash_of(image: np.ndarray) -> np.ndarray:
    small = thumbnail(image)
    assert small is not None
    return np.frombuffer(difference_hash(small), np.uint8)


def views(images: list[np.ndarray], offset_ns: int = 0, energy: np.ndarray | None = None) -> Views:
    hashes = np.stack([hash_of(image) for image in images])
    stamps = np.arange(len(images)) * PERIOD_NS + offset_ns
    return Views(stamps, hashes, hashes.any(axis=1), np.zeros(len(images)) if energy is None else energy)


def test_frames_are_held_against_those_nearest_in_time() -> None:
    images = [grey(scene(seed)) for seed in range(8)]
    same = similar_numbers(views(images), views([*images, images[0]], offset_ns=5_000_000))
    assert same == {"n": 8, "similar_ratio": 1.0}
    other = similar_numbers(views(images), views(images[::-1]))
    assert other is not None
    assert other["similar_ratio"] == 0
    assert similar_numbers(views(images), views([np.zeros((240, 320), np.uint8)] * 8)) is None


@pytest.mark.parametrize("lag", [-3, 0, 4])
def test_the_lag_between_images_and_joints_is_found(lag: int) -> None:
    frames = 150
    speed = np.abs(np.sin(np.arange(frames + 20) / 9)) + 0.3 * np.abs(np.sin(np.arange(frames + 20) / 2.3))
    times = np.arange(frames + 20) * PERIOD_NS
    track = Track(("j1", "still"), times, np.stack([np.cumsum(speed), np.zeros(frames + 20)], 1))
    energy = np.roll(speed, lag)[:frames]
    images = [np.zeros((24, 32), np.uint8)] * frames
    found = motion_numbers(views(images, 0, energy), track)
    assert found["correlation"] == pytest.approx(1, abs=0.05)
    assert found["lag_ms"] == pytest.approx(lag * PERIOD_NS / 1e6)


def test_a_still_robot_or_image_has_no_correlation() -> None:
    track = Track(("j1",), np.arange(100) * PERIOD_NS, np.zeros((100, 1)))
    found = motion_numbers(views([np.zeros((24, 32), np.uint8)] * 60), track)
    assert found["correlation"] is None
    assert found["lag_ms"] is None
