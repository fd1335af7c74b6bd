"""Poses of links over an episode: joint positions brought to the moments wanted, and the chain computed in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.kinematics.body import Body, JointStream
from embodied_kit.measure.kinematics.forward import Poses, forward, needed_joints, relative
from embodied_kit.measure.kinematics.model import REVOLUTE, Joint, Model

BLOCK = 2**15
LACKING = "the state streams lack joints of the URDF"
NOT_SI = "the joints are not in rad and m"
MANY_AXES = "the chain has a joint with more than one axis"
Values = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Positions:
    """Measured positions of joints, each with its own stamps.

    Attributes:
        columns: Joint -> stamps in ns and finite values, of the first stream that has it.
        units: Joint -> unit.
    """

    columns: Mapping[str, tuple[Ints, Values]]
    units: Mapping[str, str]

    def at(self, names: Iterable[str], stamps: Ints) -> tuple[dict[str, Values], NDArray[np.bool_]]:
        """Linear interpolation at stamps (n,): joint -> (n,), and which stamps lie within the span of all of them."""
        inside, found = np.ones(len(stamps), bool), {}
        for name in names:
            times, values = self.columns[name]
            inside &= (stamps >= times[0]) & (stamps <= times[-1])
            found[name] = np.interp(
                (stamps - times[0]).astype(np.float64), (times - times[0]).astype(np.float64), values
            )
        return found, inside


def positions_of(streams: Sequence[JointStream], body: Body) -> Positions:
    """Positions of all joints of state streams."""
    columns: dict[str, tuple[Ints, Values]] = {}
    units: dict[str, str] = {}
    for stream in streams:
        for index, name in enumerate(stream.names):
            values = stream.track.values[:, index]
            told = np.isfinite(values)
            if name not in columns and told.any():
                columns[name] = stream.track.stamps[told], np.ascontiguousarray(values[told])
                units[name] = body.unit(name, stream.unit)
    return Positions(columns, units)


def chain_problem(model: Model, chain: Sequence[Joint], positions: Positions) -> str:
    """Why the poses of a chain cannot be computed; empty where they can."""
    if any(joint.kind in ("floating", "planar") for joint in chain):
        return MANY_AXES
    needed = needed_joints(model, chain)
    if not needed <= positions.columns.keys():
        return LACKING
    wanted = {name: "rad" if model.joints[name].kind in REVOLUTE else "m" for name in needed}
    return "" if all(positions.units[name] == unit for name, unit in wanted.items()) else NOT_SI


def chain_poses(
    model: Model, chain: Sequence[Joint], positions: Positions, stamps: Ints, frame: Sequence[Joint] = ()
) -> tuple[Poses, NDArray[np.bool_]]:
    """Poses of the last link at stamps (n,), in blocks; and which of them lie within the recording of its joints.

    Args:
        model: That the chains are of.
        chain: Joints from the root to the link; `chain_problem` has none.
        positions: Of the joints.
        stamps: Moments in ns, ascending.
        frame: Joints from the root to the frame in which the poses are wanted.
    """
    names = needed_joints(model, [*chain, *frame])
    parts, flags = [], []
    for first in range(0, len(stamps), BLOCK):
        part = stamps[first : first + BLOCK]
        values, inside = positions.at(names, part)
        poses = forward(model, chain, values, len(part))
        parts.append(relative(forward(model, frame, values, len(part)), poses) if frame else poses)
        flags.append(inside)
    if not parts:
        return Poses(np.empty((0, 3)), np.empty((0, 4))), np.empty(0, bool)
    joined = Poses(np.concatenate([p.xyz_m for p in parts]), np.concatenate([p.quaternion for p in parts]))
    return joined, np.concatenate(flags)
