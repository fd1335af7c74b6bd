"""Table `geometry`: each calibrated camera against images, time and robot.json (rules DG-04, DG-05, DG-08).

A matrix of another image size is the trap of RH20T: images were halved and the matrix was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from embodied_kit.measure.declared.jsonget import get_list, get_number, get_object, get_objects, get_text
from embodied_kit.measure.declared.times import parse_rfc3339
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

SCALE_AGREEMENT = 0.15
OTHER_SCALE = (0.77, 1.3)
"""Beyond these the centre of the image is not what the principal point is near: the matrix is of another size."""
_NS_PER_DAY = 86_400_000_000_000
_REASONS = {
    **dict.fromkeys(("width", "height"), "no size is declared"),
    **dict.fromkeys(
        ("fx", "fy", "cx", "cy", "focal_error_ratio", "fov_x_deg", "centre_in_image", "scale_ratio", "scale_ok"),
        "the calibration has no whole intrinsics",
    ),
    "age_d": "the time of the calibration or of the episode is not known",
    "serial_ok": "the calibration or robot.json names no device",
}


def geometry_rows(known: DeriveInput) -> Iterator[Row]:
    """A row for every camera of every calibration."""
    devices = {
        get_text(camera, "stream_id"): get_text(camera, "serial_hash")
        for robot in known.given.robots
        for camera in get_objects(robot.document, "cameras")
    }
    sizes = {
        str(row["stream"]): (row["width"], row["height"])
        for row in known.facts.get("frame", ())
        if row.get("width") is not None
    }
    for calibration in known.given.calibrations:
        for camera in get_objects(calibration, "cameras"):
            stream = get_text(camera, "stream_id")
            declared = [item for item in get_list(camera, "resolution") if isinstance(item, int)]
            width, height = sizes.get(stream, tuple(declared) if len(declared) == 2 else (None, None))
            values: dict[str, JsonValue] = {
                "calibration": get_text(calibration, "calibration_id"),
                "stream": stream,
                "width": width,
                "height": height,
                "age_d": _age_d(calibration, known.span),
                "serial_ok": _same(get_text(camera, "serial_hash"), devices.get(stream, "")),
            }
            yield make_row(
                "geometry", values | _matrix(camera, width, height), episode=known.episode_id, reasons=_REASONS
            )


def scale_fits(x_scale: float, y_scale: float) -> bool:
    """Whether 2 cx / width and 2 cy / height are those of a matrix of this size."""
    scale = (x_scale + y_scale) / 2
    agree = abs(x_scale - y_scale) <= SCALE_AGREEMENT * abs(scale)
    return not agree or OTHER_SCALE[0] < scale < OTHER_SCALE[1]


def _matrix(camera: JsonObject, width: JsonValue, height: JsonValue) -> dict[str, JsonValue]:
    intrinsics = get_object(camera, "intrinsics")
    fx, fy, cx, cy = (get_number(intrinsics, name) for name in ("fx", "fy", "cx", "cy"))
    values: dict[str, JsonValue] = {"fx": fx, "fy": fy, "cx": cx, "cy": cy}
    if fx is None or fy is None or cx is None or cy is None:
        return values
    values["focal_error_ratio"] = abs(fx / fy - 1) if fy else None
    if not isinstance(width, int) or not isinstance(height, int) or not width or not height:
        return values
    x_scale, y_scale = 2 * cx / width, 2 * cy / height
    return values | {
        "fov_x_deg": math.degrees(2 * math.atan2(width, 2 * fx)) if fx > 0 else None,
        "centre_in_image": fx > 0 and fy > 0 and 0 <= cx < width and 0 <= cy < height,
        "scale_ratio": (x_scale + y_scale) / 2,
        "scale_ok": scale_fits(x_scale, y_scale),
    }


def _age_d(calibration: JsonObject, span: tuple[int, int] | None) -> float | None:
    made = parse_rfc3339(get_text(calibration, "calibration_time"))
    return abs(span[0] - made) / _NS_PER_DAY if made is not None and span else None


def _same(first: str, second: str) -> bool | None:
    return first == second if first and second else None
