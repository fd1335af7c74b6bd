"""What the camera process publishes: two colour cameras and a depth camera, each with its camera_info."""

from __future__ import annotations

import simplejpeg

from embodied_recorders.sim import messages, streams
from embodied_recorders.sim.cameras import DEPTH_EVERY, FRONT, JPEG_QUALITY, WRIST, Camera
from embodied_recorders.sim.faults import TakeFaults
from embodied_recorders.sim.frames import FrameState
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.outlet import Outlet
from embodied_recorders.sim.physics import STEP_NS
from embodied_recorders.sim.renderer import Renderer, scene_poses


class Images:
    """Draws and publishes frame after frame.

    Args:
        options: What was asked for.
        outlet: The camera process's publishers.
    """

    def __init__(self, options: SimOptions, outlet: Outlet) -> None:
        self._options = options
        self._outlet = outlet
        self._epoch_ns = 0
        self._renderer = Renderer(options.seed)
        self._faults = TakeFaults((), 0, options.seed)
        self._take = 0
        self._jpeg = {camera.name: messages.jpeg_message(camera) for camera in (FRONT, WRIST)}
        self._info = {camera.name: messages.camera_info_template(camera) for camera in (FRONT, WRIST)}
        self._depth = messages.depth_message(FRONT)
        self._last_front = b""

    def start(self, epoch_ns: int) -> None:
        """Fix the time of step 0, ns since the Unix epoch."""
        self._epoch_ns = epoch_ns

    def publish(self, frame: FrameState) -> None:
        """Draw and publish one frame of each camera, and every second time a depth image of the same moment."""
        if frame.take != self._take:
            self._take = frame.take
            self._faults = TakeFaults(self._options.faults, frame.take, self._options.seed)
        stamp_ns = self._epoch_ns + frame.step * STEP_NS
        poses = scene_poses(frame.state)
        self._renderer.draw(FRONT, poses)
        if not (self._faults.frozen(frame.t_ms) and self._last_front):
            self._last_front = self._encode(FRONT)
        if not self._faults.dropped(frame.frame):
            self._send(streams.FRONT_IMAGE, FRONT, stamp_ns, self._last_front)
        self._send_info(streams.FRONT_INFO, FRONT, stamp_ns)
        if frame.frame % DEPTH_EVERY == 0:
            depth = self._renderer.depth_mm().tobytes()
            self._outlet.send(streams.DEPTH_IMAGE, self._depth.encode(stamp_ns, depth), stamp_ns)
            self._send_info(streams.DEPTH_INFO, FRONT, stamp_ns)
        self._renderer.draw(WRIST, poses)
        self._send(streams.WRIST_IMAGE, WRIST, stamp_ns, self._encode(WRIST))
        self._send_info(streams.WRIST_INFO, WRIST, stamp_ns)

    def _encode(self, camera: Camera) -> bytes:
        picture = self._renderer.picture(camera)
        jpeg: bytes = simplejpeg.encode_jpeg(picture, JPEG_QUALITY, colorspace="RGBX")
        return jpeg

    def _send(self, topic: str, camera: Camera, stamp_ns: int, jpeg: bytes) -> None:
        self._outlet.send(topic, self._jpeg[camera.name].encode(stamp_ns, jpeg), stamp_ns)

    def _send_info(self, topic: str, camera: Camera, stamp_ns: int) -> None:
        self._outlet.send(topic, self._info[camera.name].encode(stamp_ns), stamp_ns)
