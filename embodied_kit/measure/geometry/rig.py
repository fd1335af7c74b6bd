"""The cameras of an episode: calibrated streams with their images, and where they are at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from embodied_kit.measure.declared.jsonget import get_objects
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.geometry.camera import Camera, read_camera
from embodied_kit.measure.geometry.intrinsics import scale_fits
from embodied_kit.measure.images.gallery import COLOUR_FIELD, DEPTH_FIELD
from embodied_kit.measure.images.imagetracks import Picture, read_pictures

METRES_PER_UNIT = {"m": 1.0, "mm": 0.001}


@dataclass(frozen=True)
class Rig:
    """Cameras by stream.

    Attributes:
        cameras: Of the last calibration that has the stream whole.
        sizes: Width and height of the recorded images.
        scales: Depth streams -> m per count by the only plausible unit, else by the declared one (whether the two
            agree is DG-01's).
        depth: Streams that hold depth.
        colour: Streams that hold colour.
    """

    cameras: Mapping[str, Camera]
    sizes: Mapping[str, tuple[int, int]]
    scales: Mapping[str, float]
    depth: tuple[str, ...]
    colour: tuple[str, ...]

    def scaled(self, stream: str, step: int) -> Camera:
        """Camera of a stream in pixels of an image of which every `step`-th row and column was kept."""
        camera = self.cameras[stream]
        return replace(
            camera,
            width=-(-camera.width // step),
            height=-(-camera.height // step),
            fx=camera.fx / step,
            fy=camera.fy / step,
            cx=camera.cx / step,
            cy=camera.cy / step,
        )

    def fits(self, stream: str) -> bool:
        """Whether a stream is calibrated for the size of its images; a matrix of another size is DG-04's."""
        camera = self.cameras.get(stream)
        if camera is None or self.sizes.get(stream) != (camera.width, camera.height):
            return False
        return scale_fits(2 * camera.cx / camera.width, 2 * camera.cy / camera.height)


def read_rig(known: DeriveInput) -> Rig:
    """Cameras of an episode."""
    cameras = {}
    for calibration in known.given.calibrations:
        for entry in get_objects(calibration, "cameras"):
            camera = read_camera(entry)
            if camera is not None:
                cameras[camera.stream] = camera
    sizes: dict[str, tuple[int, int]] = {}
    scales: dict[str, float] = {}
    kinds: dict[str, list[str]] = {"depth": [], "color": []}
    for row in known.facts.get("frame", ()):
        stream, width, height = str(row["stream"]), row["width"], row["height"]
        if isinstance(width, int) and isinstance(height, int):
            sizes[stream] = width, height
        unit = str(row["unit_guess"] or row["unit_declared"])
        if unit in METRES_PER_UNIT:
            scales[stream] = METRES_PER_UNIT[unit]
        kinds.get(str(row["kind"]), []).append(stream)
    return Rig(cameras, sizes, scales, tuple(kinds["depth"]), tuple(kinds["color"]))


def pictures(known: DeriveInput, stream: str) -> list[Picture]:
    """Images kept of a stream, in order of time."""
    fields = (f"{COLOUR_FIELD}.", f"{DEPTH_FIELD}.")
    found = next((item for item in known.tracks.of(stream) if item.field.startswith(fields)), None)
    return read_pictures(found) if found is not None else []
