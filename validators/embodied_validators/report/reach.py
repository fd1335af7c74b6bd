"""The path of a robot's tip by its URDF and its joints, for recordings that hold no pose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from embodied_kit.episode.layout import ROBOTS
from embodied_kit.episode.paths import open_inside
from embodied_kit.episode.urdf import MAX_URDF_BYTES
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.measure.kinematics.forward import forward, needed_joints
from embodied_kit.measure.kinematics.model import REVOLUTE, Joint, Model, read_model
from embodied_kit.messages.columns import Columns
from embodied_validators.report.decimate import Thinned, Times
from embodied_validators.report.episode_view import Path3

_MOST_TIPS = 2
_MOST_MODELS = 4
_DESCRIPTION = "robot_description"


@dataclass
class _Joints:
    """Positions of one topic of joint states."""

    names: tuple[str, ...]
    thinned: Thinned = field(default_factory=Thinned)


@dataclass
class Reach:
    """Joint positions and robot descriptions of an episode so far."""

    _joints: dict[str, _Joints] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def take_joints(self, topic: str, names: Sequence[str], columns: Columns, stamps_ns: Times) -> None:
        """Positions of joint states whose names are known; messages of another length are let go.

        Args:
            topic: Where they came from.
            names: Names of the joints, from the first message.
            columns: Decoded messages with the field `position`.
            stamps_ns: Shape (messages,), ns.
        """
        column = columns.fields.get("position")
        if column is None or column.kind != "number" or not names:
            return
        known = self._joints.setdefault(topic, _Joints(tuple(names)))
        for width, rows, values in column.by_length():
            if width == len(known.names):
                known.thinned.add(stamps_ns[column.message[rows]], values.astype(np.float64))

    def take_description(self, topic: str, columns: Columns) -> None:
        """The URDF that a latched topic carries."""
        column = columns.fields.get("data")
        if topic.endswith(_DESCRIPTION) and topic not in self._texts and column is not None and column.kind == "text":
            self._texts[topic] = next(iter(column.texts()), "")

    def paths(self, root: Path, stream_of: Callable[[str], str]) -> tuple[Path3, ...]:
        """Path of the tip of each chain that the joints move, in the frame of the chain's first link.

        Args:
            root: Folder of the dataset, whose robots are asked where the recording describes none.
            stream_of: Topic -> stream id.
        """
        models = [model for text in self._texts.values() if (model := _model(text.encode()))]
        found = []
        for model in models or _models_of(root):
            for topic, joints in self._joints.items():
                found += _tip_paths(model, stream_of(topic), topic, joints)
        return tuple(found)


def _tip_paths(model: Model, stream: str, topic: str, joints: _Joints) -> list[Path3]:
    times_ns, values = joints.thinned.result()
    if len(times_ns) < 2:  # a path has two points
        return []
    positions = {name: values[:, index] for index, name in enumerate(joints.names)}
    paths = []
    for chain in _tips(model, positions.keys()):
        poses = forward(model, chain, positions, len(times_ns))
        tip = chain[-1].child
        paths.append(Path3(stream, topic, chain[0].parent, times_ns, poses.xyz_m, tip=tip))
    return paths


def _tips(model: Model, known: Collection[str]) -> list[list[Joint]]:
    """Chains from the root to the last link that a turning joint moves, longest first, none sharing a joint."""
    chains = []
    for link in sorted(model.links()):
        chain = model.chain(link) or []
        moving = [index for index, joint in enumerate(chain) if joint.kind in REVOLUTE]
        if moving and needed_joints(model, chain) <= set(known):
            chains.append(chain[: moving[-1] + 1])
    kept: list[list[Joint]] = []
    used: set[str] = set()
    for chain in sorted(chains, key=lambda chain: (-len(chain), chain[-1].child)):
        turning = {joint.name for joint in chain if joint.kind in REVOLUTE}
        if not turning & used and len(kept) < _MOST_TIPS:
            kept.append(chain)
            used |= turning
    return kept


def _models_of(root: Path) -> list[Model]:
    """The URDFs that lie in the dataset's folders of robots."""
    found = []
    for path in sorted((root / ROBOTS).glob("*/*.urdf"))[:_MOST_MODELS]:
        try:
            with open_inside(root, path.relative_to(root).as_posix()) as file:
                model = _model(file.read(MAX_URDF_BYTES + 1))
        except (EmbodiedKitError, OSError):
            continue
        found += [model] if model else []
    return found


def _model(data: bytes) -> Model | None:
    """None where the robot cannot be read: findings about that are the judge's."""
    try:
        return read_model(data) if len(data) <= MAX_URDF_BYTES else None
    except EmbodiedKitError:
        return None
