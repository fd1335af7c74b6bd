"""The simulated robot annotates its own takes: its phases become the annotation layer `skills`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layers import Segment, SkillLayer, annotate
from embodied_recorders.sim.follow import Phase
from embodied_recorders.take.session import Recorded

LAYER = SkillLayer("skills")
"""Made by the script that moves the robot: no person and no model looked at anything."""


class _Skill(NamedTuple):
    code: str
    zh: str
    en: str
    objects: tuple[str, ...] = ()


_CUBE, _BIN = "cube_1", "bin_1"  # instance_id in documents/tasks.json
SKILLS: Mapping[str, _Skill] = MappingProxyType(
    {
        "reset": _Skill("idle", "等待方块重新摆好", "Wait while the cube is laid out"),
        "approach": _Skill("approach", "移到方块上方", "Move above the cube", (_CUBE,)),
        "descend": _Skill("approach", "下降到方块处", "Go down to the cube", (_CUBE,)),
        "grasp": _Skill("grasp", "合拢手指夹住方块", "Close the fingers on the cube", (_CUBE,)),
        "lift": _Skill("lift", "抬起方块", "Lift the cube", (_CUBE,)),
        "transfer": _Skill("move", "把方块移到盒子上方", "Carry the cube above the bin", (_CUBE, _BIN)),
        "lower": _Skill("place", "把方块放入盒中", "Lower the cube into the bin", (_CUBE, _BIN)),
        "release": _Skill("release", "松开方块", "Let go of the cube", (_CUBE, _BIN)),
        "retreat": _Skill("retreat", "从盒中退出", "Draw back from the bin", (_BIN,)),
        "home": _Skill("retreat", "回到初始位置", "Go back to the home position"),
    }
)


def annotate_take(dataset: Dataset, recorded: Recorded, phases: Sequence[Phase], *, now_ns: int) -> None:
    """Write the segments of a recorded take: its phases, cut to the span of the recording.

    Args:
        dataset: Open; holds the take.
        recorded: The take.
        phases: Of the take, in order, as `TakeFollower.phases` has them.
        now_ns: ns since the Unix epoch.
    """
    first_ns, last_ns = (int(str(recorded.closing[name])) for name in ("start_ns", "end_ns"))
    segments = []
    for phase in phases:
        start_ns, end_ns = max(phase.start_ns, first_ns), min(phase.end_ns, last_ns)
        skill = SKILLS.get(phase.name)
        if skill is not None and start_ns < end_ns:
            segments.append(
                Segment(start_ns, end_ns, skill.code, skill.zh, skill.en, arm="single", object_ids=skill.objects)
            )
    annotate(dataset, LAYER, recorded.episode_id, segments, now_ns=now_ns)
