"""Rows of `pair` about depth cameras: `registration` with a colour camera, `extrinsic` with another depth camera."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.geometry.alignment import NO_GEOMETRY, align_clouds, can_align
from embodied_kit.measure.geometry.camera import Camera, Floats
from embodied_kit.measure.geometry.registration import Offset, measure_offset
from embodied_kit.measure.geometry.rig import Rig, pictures
from embodied_kit.measure.images.imagetracks import Picture
from embodied_kit.measure.kinematics.forward import angle_between, rotated
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

MAX_APART_M, MAX_TURNED_RAD = 0.2, 0.35
"""Cameras of one RGB-D device stand closer; others see contours from elsewhere and are not compared."""
MAX_TIME_NS = 50_000_000
MAX_PAIRS = 4
NO_CALIBRATION = "both cameras need a calibration"
NO_UNIT = "no depth unit is declared"
NO_PAIR = "no two images of the same moment were kept"
NO_EDGES = "the two images share too few edges"
NO_OVERLAP = "the two clouds hardly overlap"


def registration_rows(known: DeriveInput, rig: Rig) -> Iterator[Row]:
    """A row for each depth stream and the colour stream beside it; none where a matrix is of another size."""
    for depth in rig.depth:
        if depth not in rig.cameras or not any(stream in rig.cameras for stream in rig.colour):
            for colour in rig.colour[:1]:
                yield _row(known, "registration", colour, depth, {"n": 0}, NO_CALIBRATION)
            continue
        if not rig.fits(depth):
            continue
        near = [
            stream for stream in rig.colour if rig.fits(stream) and _beside(rig.cameras[stream], rig.cameras[depth])
        ]
        for colour in sorted(near, key=lambda stream: _distance(rig.cameras[stream], rig.cameras[depth]))[:1]:
            values, reason = _registration(known, rig, colour, depth)
            yield _row(known, "registration", colour, depth, values, reason)


def extrinsic_rows(known: DeriveInput, rig: Rig) -> Iterator[Row]:
    """A row for each two calibrated depth streams that stand in one frame."""
    fitting = [stream for stream in rig.depth if rig.fits(stream)]
    for first, second in combinations(fitting, 2):
        if rig.cameras[first].parent == rig.cameras[second].parent:
            values, reason = _extrinsic(known, rig, first, second)
            yield _row(known, "extrinsic", first, second, values, reason)


def _registration(known: DeriveInput, rig: Rig, colour: str, depth: str) -> tuple[dict[str, JsonValue], str]:
    scale = rig.scales.get(depth)
    if scale is None:
        return {"n": 0}, NO_UNIT
    pairs = _same_moment(pictures(known, colour), pictures(known, depth))
    offsets = [
        offset for seen, measured in pairs if (offset := _offset(rig, colour, depth, seen, measured, scale)) is not None
    ]
    if not offsets:
        return {"n": 0}, NO_EDGES if pairs else NO_PAIR
    middle = sorted(offsets, key=lambda offset: offset.px)[(len(offsets) - 1) // 2]
    return {"n": len(offsets), "offset_px": middle.px, "offset_mm": middle.mm}, ""


def _offset(rig: Rig, colour: str, depth: str, seen: Picture, measured: Picture, scale: float) -> Offset | None:
    found = measure_offset(
        seen.pixels.astype(np.uint8),
        _metres(measured, scale),
        rig.scaled(colour, seen.step),
        rig.scaled(depth, measured.step),
    )
    return Offset(found.px * seen.step, found.mm) if found else None


def _extrinsic(known: DeriveInput, rig: Rig, first: str, second: str) -> tuple[dict[str, JsonValue], str]:
    if not can_align():
        return {"n": 0}, NO_GEOMETRY
    if first not in rig.scales or second not in rig.scales:
        return {"n": 0}, NO_UNIT
    pairs = _same_moment(pictures(known, first), pictures(known, second))
    found = [_cloud(one, rig.scales[first], rig.scaled(first, one.step)) for one, _ in pairs[:1]] + [
        _cloud(other, rig.scales[second], rig.scaled(second, other.step)) for _, other in pairs[:1]
    ]
    if not found:
        return {"n": 0}, NO_PAIR
    alignment = align_clouds(*found)
    if alignment is None:
        return {"n": 0}, NO_OVERLAP
    return {
        "n": min(len(found[0]), len(found[1])),
        "overlap_ratio": alignment.overlap_ratio,
        "translation_mm": alignment.translation_mm,
        "rotation_deg": alignment.rotation_deg,
    }, ""


def _cloud(picture: Picture, scale: float, camera: Camera) -> Floats:
    """Points (n, 3) of a depth image in the parent frame of its camera, m."""
    depth = _metres(picture, scale)
    rows, columns = np.nonzero(depth > 0)
    points = camera.rays(columns.astype(np.float64), rows.astype(np.float64)) * depth[rows, columns][:, None]
    turn = np.repeat(camera.pose.quaternion, len(points), axis=0)
    return rotated(turn, points) + camera.pose.xyz_m


def _metres(picture: Picture, scale: float) -> Floats:
    depth = picture.pixels * scale
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0.0)


def _same_moment(first: list[Picture], second: list[Picture]) -> list[tuple[Picture, Picture]]:
    """At most MAX_PAIRS pairs of images at most 50 ms apart, in order of time."""
    found = []
    for one in first:
        near = min(second, key=lambda other: abs(other.stamp_ns - one.stamp_ns), default=None)
        if near is not None and abs(near.stamp_ns - one.stamp_ns) <= MAX_TIME_NS:
            found.append((one, near))
    return found[:MAX_PAIRS]


def _beside(first: Camera, second: Camera) -> bool:
    turned = float(angle_between(first.pose.quaternion, second.pose.quaternion)[0])
    return first.parent == second.parent and _distance(first, second) <= MAX_APART_M and turned <= MAX_TURNED_RAD


def _distance(first: Camera, second: Camera) -> float:
    return float(np.sqrt(np.sum((first.pose.xyz_m - second.pose.xyz_m) ** 2)))


def _row(known: DeriveInput, kind: str, a: str, b: str, values: dict[str, JsonValue], reason: str) -> Row:
    columns = (
        ("offset_px", "offset_mm") if kind == "registration" else ("overlap_ratio", "translation_mm", "rotation_deg")
    )
    key: dict[str, JsonValue] = {"kind": kind, "a": a, "b": b, "name": ""}
    return make_row("pair", key | values, episode=known.episode_id, reasons=dict.fromkeys(columns, reason))
