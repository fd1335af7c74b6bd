"""How far two clouds of one scene are from lying on one another: ICP of Open3D, the extra `geometry`.

Open3D loads libusb even where no camera is attached; where the system has none, the wheel libusb-package brings it.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

NO_GEOMETRY = "clouds are aligned with the extra geometry: pip install 'embodied_kit[geometry]'"
VOXEL_M = 0.01
COARSE_M, FINE_M = 0.08, 0.02
MIN_OVERLAP = 0.3
_DIGITS = 2
"""Decimals kept: what lies below differs with the machine's linear algebra."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """The motion that lays one cloud on another.

    Attributes:
        overlap_ratio: Share of its points that then have a neighbour within FINE_M.
        translation_mm: Of the centre of the cloud.
        rotation_deg: Angle of the turn.
    """

    overlap_ratio: float
    translation_mm: float
    rotation_deg: float


def can_align() -> bool:
    """Whether the extra is there and loads."""
    return _open3d() is not None


def align_clouds(first: Floats, second: Floats) -> Alignment | None:
    """Motion of the first cloud (n, 3) that lays it best on the second (m, 3), both in one frame, m.

    Point-to-plane ICP (Chen and Medioni 1992), coarse then fine, on voxels of 10 mm.

    Returns:
        None where fewer than 30 % of the points find a neighbour.
    """
    o3d = _open3d()
    if o3d is None or min(len(first), len(second)) < 100:
        return None
    clouds = []
    for points in (first, second):
        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points)).voxel_down_sample(VOXEL_M)
        cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius=4 * VOXEL_M, max_nn=30))
        clouds.append(cloud)
    registration = o3d.pipelines.registration
    motion = np.eye(4)
    for reach in (COARSE_M, FINE_M):
        found = registration.registration_icp(
            clouds[0], clouds[1], reach, motion, registration.TransformationEstimationPointToPlane()
        )
        motion = np.asarray(found.transformation)
    overlap = round(float(found.fitness), _DIGITS)
    if overlap < MIN_OVERLAP:
        return None
    centre = np.asarray(clouds[0].points).mean(axis=0)
    shift = np.sum(motion[:3, :3] * centre, axis=1) + motion[:3, 3] - centre
    cosine = np.clip((motion[0, 0] + motion[1, 1] + motion[2, 2] - 1) / 2, -1, 1)
    return Alignment(
        overlap,
        round(1000 * float(np.sqrt(np.sum(shift * shift))), _DIGITS),
        round(float(np.degrees(np.arccos(cosine))), _DIGITS),
    )


def _open3d() -> ModuleType | None:
    try:
        return _import_open3d()
    except (ImportError, OSError):
        pass
    try:
        import libusb_package  # noqa: PLC0415 - late: an extra

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
        return _import_open3d()
    except (ImportError, OSError):
        return None


def _import_open3d() -> ModuleType:
    import open3d  # noqa: PLC0415 - late: an extra, and a second to load

    module: ModuleType = open3d
    return module
