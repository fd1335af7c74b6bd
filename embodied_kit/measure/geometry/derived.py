"""The deriver of geometry: table `geometry`, pairs of kind `registration`, `extrinsic` and `swap`, links of cameras."""

from __future__ import annotations

from embodied_kit.measure.derived.derive import DeriveInput, Deriver
from embodied_kit.measure.geometry.depthpairs import extrinsic_rows, registration_rows
from embodied_kit.measure.geometry.described import camera_links
from embodied_kit.measure.geometry.intrinsics import geometry_rows
from embodied_kit.measure.geometry.rig import read_rig
from embodied_kit.measure.geometry.swap import swap_rows
from embodied_kit.measure.measured import Tables
from embodied_kit.model.facts import Row


def derive_geometry(known: DeriveInput) -> Tables:
    """Rows of one episode; those that need images are there from depth `full` on."""
    pair: list[Row] = []
    if known.depth == "full":
        rig = read_rig(known)
        pair = [*registration_rows(known, rig), *extrinsic_rows(known, rig), *swap_rows(known, rig)]
    return {"geometry": list(geometry_rows(known)), "pair": pair, "link": list(camera_links(known))}


GEOMETRY = Deriver("geometry", 3, "signal", ("geometry", "pair", "link"), derive_geometry)
