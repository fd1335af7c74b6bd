"""Rows of the table `link`: whether each recorded image stream has its camera and its calibration (rule DG-12).

Whatever rules ask of cameras and calibrations they ask of those that are declared; these rows ask for the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from embodied_kit.episode.layout import ROBOT_JSON, ROBOTS
from embodied_kit.measure.declared.jsonget import get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import link_row
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.images.framelog import IMAGE_FIELDS
from embodied_kit.measure.streams.series import short_type
from embodied_kit.model.facts import Row


def camera_links(known: DeriveInput) -> Iterator[Row]:
    """Two rows for every image stream with messages: robot.json has its camera, and a calibration that it names."""
    if not known.streams:
        return
    robots = [robot.document for robot in known.given.robots]
    source = f"{ROBOTS}/{known.given.robots[0].robot_id}/{ROBOT_JSON}" if robots else ROBOTS
    cameras = {get_text(item, "stream_id") for robot in robots for item in get_objects(robot, "cameras")}
    named = {name for robot in robots for name in get_texts(robot, "calibration_ids")}
    calibrated = {
        get_text(item, "stream_id")
        for document in known.given.calibrations
        if get_text(document, "calibration_id") in named
        for item in get_objects(document, "cameras")
    }
    for stream in _image_streams(known):
        for kind, there in (("camera_declared", cameras), ("camera_calibrated", calibrated)):
            state = "equal" if stream in there else "missing"
            yield link_row(kind, source, stream, state, episode=known.episode_id)


def _image_streams(known: DeriveInput) -> list[str]:
    """Names of the streams that hold images by their message type, each once."""
    found = [
        str(row["stream"])
        for row in known.facts.get("stream", ())
        if row.get("present") and short_type(str(row.get("ros_type") or "")) in IMAGE_FIELDS
    ]
    return list(dict.fromkeys(found))
