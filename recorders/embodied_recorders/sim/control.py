"""What the control process publishes: joints, commands, pose, wrench, /tf, descriptions and the phase it is in."""

from __future__ import annotations

import json
from collections.abc import Mapping

from embodied_kit.model.json import JsonValue
from embodied_recorders.sim import messages, robot, streams
from embodied_recorders.sim.cameras import frame_step
from embodied_recorders.sim.describe import describe
from embodied_recorders.sim.faults import TakeFaults
from embodied_recorders.sim.frames import FrameState
from embodied_recorders.sim.models import urdf
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.outlet import Outlet
from embodied_recorders.sim.physics import STEP_NS
from embodied_recorders.sim.script import Event, PhaseStart, Script, TakeEnd
from embodied_recorders.sim.sensors import Sensors
from embodied_recorders.sim.shapes import BIN_AT

JOINTS_EVERY = 1000 // streams.CONTROL_RATE_HZ
POSE_EVERY = 1000 // streams.POSE_RATE_HZ
OBJECTS_EVERY = 100


class Control:
    """Advances the robot and publishes what is due, step by step.

    Args:
        options: What was asked for.
        outlet: The control process's publishers.
    """

    def __init__(self, options: SimOptions, outlet: Outlet) -> None:
        self._options = options
        self._outlet = outlet
        self._epoch_ns = 0
        self._script = Script(options)
        self._sensors = Sensors(options.seed)
        self._faults = TakeFaults((), 0, options.seed)
        self._states = messages.joint_template(effort=True)
        self._commands = messages.joint_template(effort=False)
        self._wrench = messages.wrench_template()
        self._pose = messages.pose_template()
        self._tf = messages.tf_template()
        self._descriptions = {
            streams.ROBOT_DESCRIPTION: messages.text(urdf()),
            streams.DESCRIPTION: messages.text(json.dumps(describe(options), ensure_ascii=False)),
        }
        self._next_frame = 0
        self._last_take: Mapping[str, JsonValue] | None = None

    def start(self, epoch_ns: int) -> None:
        """Publish what is latched.

        Args:
            epoch_ns: Time of step 0, ns since the Unix epoch; a header stamp is this plus the step.
        """
        self._epoch_ns = epoch_ns
        self._event(
            "start", {"epoch_ns": str(self._epoch_ns), "faults": [str(fault) for fault in self._options.faults]}
        )
        self._outlet.send(streams.TF_STATIC, messages.tf_static(self._epoch_ns), self._epoch_ns)
        for topic, text in self._descriptions.items():
            self._outlet.send(topic, text)

    def advance(self) -> FrameState | None:
        """Go on by one step; what the cameras need where a frame is due."""
        script = self._script
        for event in script.advance():
            self._handle(event)
        step, t_ms = script.step, script.t_ms
        stamp_ns = self._stamp_ns(step)
        if step % JOINTS_EVERY == 0:
            self._send_joints(stamp_ns)
        self._send_wrench(step, stamp_ns, t_ms)
        if step % POSE_EVERY == 0:
            self._send_pose(stamp_ns, t_ms)
        if step % OBJECTS_EVERY == 0:
            self._log_objects(stamp_ns)
        if step != frame_step(self._next_frame):
            return None
        self._next_frame += 1
        return FrameState(self._next_frame - 1, step, script.take, t_ms, script.physics.state.copy())

    def finished(self) -> bool:
        """Whether everything that was asked for is done."""
        duration_s = self._options.duration_s
        over = duration_s is not None and self._script.step + 1 >= round(duration_s * 1000)
        return over or self._script.finished()

    def stop(self) -> None:
        """Note what was published."""
        self._event("stop", {"process": "control", "sent": dict(self._outlet.sent)})

    def _stamp_ns(self, step: int) -> int:
        return self._epoch_ns + step * STEP_NS

    def _send_joints(self, stamp_ns: int) -> None:
        script, sensors = self._script, self._sensors
        sensors.read_joints(script.physics, stuck=self._faults.stuck_joint())
        position, velocity, effort = self._states.blocks
        position[:], velocity[:], effort[:] = sensors.position, sensors.velocity, sensors.effort
        self._outlet.send(streams.JOINT_STATES, self._states.encode(stamp_ns), stamp_ns)
        position, velocity = self._commands.blocks
        position[:], velocity[:] = script.command, script.command_velocity
        self._outlet.send(streams.JOINT_COMMANDS, self._commands.encode(stamp_ns), stamp_ns)

    def _send_wrench(self, step: int, stamp_ns: int, t_ms: int) -> None:
        self._sensors.read_wrench(self._script.physics)
        block = self._wrench.blocks[0]
        block[:] = self._sensors.wrench
        if self._faults.any:
            stamp_ns += self._faults.stamp_offset_ns(streams.WRENCH, t_ms)
            if self._faults.nan(step):
                block[:3] = float("nan")
        self._outlet.send(streams.WRENCH, self._wrench.encode(stamp_ns), stamp_ns)

    def _send_pose(self, stamp_ns: int, t_ms: int) -> None:
        """Both come from the same encoders as /joint_states, so they are of the same moment and share its faults."""
        measured = self._sensors.position
        if not self._faults.silent(streams.EE_POSE, t_ms):
            messages.fill_pose(self._pose, *robot.tcp_pose(measured))
            self._outlet.send(streams.EE_POSE, self._pose.encode(stamp_ns), stamp_ns)
        messages.fill_tf(self._tf, measured)
        self._outlet.send(streams.TF, self._tf.encode(stamp_ns), stamp_ns)

    def _handle(self, event: Event) -> None:
        if isinstance(event, TakeEnd):
            self._last_take = self._take_fields(event)
            self._event("take", self._last_take)
            return
        if event.phase == "reset":
            self._faults = TakeFaults(self._options.faults, event.take, self._options.seed)
        fields = self._phase_fields(event)
        self._event("phase", fields)
        self._outlet.send(streams.PHASE, messages.text(json.dumps({**fields, "last_take": self._last_take})))

    def _phase_fields(self, event: PhaseStart) -> Mapping[str, JsonValue]:
        end_ns = None if event.end_step is None else str(self._stamp_ns(event.end_step))
        return {
            "take": event.take,
            "phase": event.phase,
            "start_ns": str(self._stamp_ns(event.step)),
            "end_ns": end_ns,
        }

    def _take_fields(self, event: TakeEnd) -> Mapping[str, JsonValue]:
        return {
            "take": event.take,
            "start_ns": str(self._stamp_ns(event.start_step)),
            "end_ns": str(self._stamp_ns(event.end_step)),
            "outcome": event.outcome,
            "failure": event.failure,
            "failure_cause": event.failure_cause,
            "cube_at_m": list(event.cube_at),
        }

    def _log_objects(self, stamp_ns: int) -> None:
        if self._outlet.log is not None:
            x, y, z, qw, qx, qy, qz = self._script.physics.state[len(robot.JOINTS) :].tolist()
            cube: Mapping[str, JsonValue] = {"xyz_m": [x, y, z], "quaternion_xyzw": [qx, qy, qz, qw]}
            bin_at: Mapping[str, JsonValue] = {"xyz_m": [*BIN_AT, 0.0], "quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]}
            self._event("objects", {"stamp_ns": str(stamp_ns), "cube": cube, "bin": bin_at})

    def _event(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        if self._outlet.log is not None:
            self._outlet.log.event(name, fields)
