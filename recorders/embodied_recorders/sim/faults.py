"""Faults that the simulated robot shows on demand: their names, parameters and when they act. One place for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from embodied_kit.errors import UsageError
from embodied_recorders.sim.plan import phase_start_ms
from embodied_recorders.sim.streams import EE_POSE, FRONT_IMAGE, JOINT_STATES, WRENCH

MOVING_FROM_MS: Final = phase_start_ms("lift") - 1000
NAN_EVERY: Final = 97
MILLISECOND_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What one fault does.

    Attributes:
        topic: Where it shows; empty for a fault of the description.
        unit: What its parameter means; empty where it takes none.
        default: The parameter where none is given.
        limits: Smallest and largest parameter.
    """

    topic: str
    what_en: str
    what_zh: str
    unit: str = ""
    default: float = 0.0
    limits: tuple[float, float] = (0.0, 0.0)


FAULTS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {
        "drop_frames": FaultKind(
            FRONT_IMAGE,
            "a share of the frames is never sent",
            "丢弃一部分图像帧",
            "share of frames",
            0.08,
            (0.001, 0.5),
        ),
        "frozen_camera": FaultKind(
            FRONT_IMAGE, "one picture repeats while the robot moves", "机器人运动时图像冻结", "s", 3.0, (0.1, 10.0)
        ),
        "clock_jump": FaultKind(
            WRENCH, "header stamps jump back in mid-take and stay behind", "时间戳中途回跳", "s", 0.2, (0.001, 60.0)
        ),
        "stuck_joint": FaultKind(
            JOINT_STATES,
            "the encoder of a joint repeats its value",
            "关节状态卡死",
            "number of the joint",
            1.0,
            (1.0, 6.0),
        ),
        "late_stream": FaultKind(EE_POSE, "a stream starts late in the take", "数据流延迟启动", "s", 3.0, (0.1, 60.0)),
        "wrong_unit": FaultKind("", "depth is sent in mm and declared in m", "深度以毫米发送却声明为米"),
        "nan": FaultKind(WRENCH, f"every {NAN_EVERY}th force is NaN", "力数据中出现 NaN"),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that was asked for.

    Attributes:
        take: The only take that shows it; None for every take.
    """

    name: str
    parameter: float
    take: int | None = None

    def __str__(self) -> str:
        parameter = f":{self.parameter:g}" if FAULTS[self.name].unit else ""
        return f"{self.name}{parameter}" + ("" if self.take is None else f"@{self.take}")


def parse_fault(text: str) -> Fault:
    """Read `NAME[:PARAMETER][@TAKE]`, e.g. `drop_frames:0.1@3`.

    Raises:
        UsageError: No such fault, a parameter outside its limits or where none is taken, a take below 1.
    """
    head, at, take_text = text.partition("@")
    name, colon, parameter_text = head.partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise UsageError(f"expected a fault of {', '.join(FAULTS)}, got {name!r}")
    take = _take(take_text, text) if at else None
    if not kind.topic and take is not None:
        raise UsageError(f"fault {name} speaks of the robot's description, so it cannot be limited to a take")
    if colon and not kind.unit:
        raise UsageError(f"fault {name} takes no parameter, got {parameter_text!r}")
    return Fault(name, _parameter(kind, name, parameter_text) if colon else kind.default, take)


def _take(text: str, fault: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise UsageError(f"expected a take from 1 up after @ in {fault!r}, got {text!r}")
    return int(text)


def _parameter(kind: FaultKind, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    low, high = kind.limits
    if not low <= value <= high:
        raise UsageError(f"expected {kind.unit} from {low:g} to {high:g} for fault {name}, got {text!r}")
    if name == "stuck_joint" and value != int(value):
        raise UsageError(f"expected a whole number of a joint for fault {name}, got {text!r}")
    return value


class TakeFaults:
    """The faults of one take, asked message by message.

    Args:
        faults: Everything that was asked for.
        take: Number of the take; 0 before the first, where nothing fails.
        seed: Seed of the robot.
    """

    def __init__(self, faults: Sequence[Fault], take: int, seed: int) -> None:
        self._by_name = {fault.name: fault.parameter for fault in faults if fault.take in {None, take} and take > 0}
        self._stratum = round(1 / self._by_name["drop_frames"]) if "drop_frames" in self._by_name else 0
        self._seed = [seed, take, 2]
        self.any = bool(self._by_name)

    def silent(self, topic: str, t_ms: int) -> bool:
        """Whether a stream has not started yet, `t_ms` after the first phase of the take (negative before)."""
        return topic == EE_POSE and t_ms < 1000 * self._by_name.get("late_stream", -1e9)

    def stamp_offset_ns(self, topic: str, t_ms: int) -> int:
        """What a header stamp is off by."""
        if topic != WRENCH or t_ms < MOVING_FROM_MS or "clock_jump" not in self._by_name:
            return 0
        return -round(self._by_name["clock_jump"] * 1e9)

    def stuck_joint(self) -> int | None:
        """Index of the joint whose encoder repeats its value."""
        return int(self._by_name["stuck_joint"]) - 1 if "stuck_joint" in self._by_name else None

    def nan(self, message: int) -> bool:
        """Whether this wrench is not a number."""
        return "nan" in self._by_name and message % NAN_EVERY == 0

    def dropped(self, frame: int) -> bool:
        """Whether this frame of the front camera is never sent: one of each stratum, at a random place in it."""
        if not self._stratum:
            return False
        stratum, place = divmod(frame, self._stratum)
        return place == int(np.random.default_rng([*self._seed, stratum]).integers(self._stratum))

    def frozen(self, t_ms: int) -> bool:
        """Whether the front camera repeats its last picture."""
        return MOVING_FROM_MS <= t_ms < MOVING_FROM_MS + 1000 * self._by_name.get("frozen_camera", 0.0)
