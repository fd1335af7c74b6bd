"""How often faults are found and clean takes are blamed: seeded takes of the simulated robot, one fault at a time.

python tests/bench/rates.py FOLDER [clean takes] [takes a fault]      goes on where it was stopped; prints Markdown

A take: three seconds in which the robot moves. Clean takes differ in their seed. A fault of a strength is set in some
of them (the messages are decoded, changed and written again), and every rule of the simulated robot's profile is asked.
Found: the rule that answers for the fault fails at some level. Also: what else fails that did not before.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "validators"), str(ROOT / "recorders"), str(ROOT / "tests")]

from chain.lab import PROFILE, record  # noqa: E402
from traps.lab import CONTEXT, Change, Told, dataset_with, on_topic, unchanged  # noqa: E402
from traps.test_traps import cameras_swapped, end_effector_frozen, halved  # noqa: E402

from embodied_kit.measure import measure_path  # noqa: E402
from embodied_kit.model.rule import Profile  # noqa: E402
from embodied_recorders.sim import SimOptions  # noqa: E402
from embodied_validators.judge import judge  # noqa: E402
from embodied_validators.profiles import load_profile  # noqa: E402

WINDOW_S = (3.0, 6.0)
CLEAN_TAKES, TAKES_A_FAULT = 60, 5
FRONT, WRIST, DEPTH = "/cam_front/image/compressed", "/cam_wrist/image/compressed", "/cam_front/depth/image"
JOINTS, COMMANDS, POSE, FORCE = "/joint_states", "/joint_commands", "/ee_pose", "/wrench"
NS_PER_S = 10**9
Make = Callable[[float, random.Random], Change]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        what: With the unit of its strength.
        rules: Any of these answers for it.
        strengths: From what no rule asks about to what nobody could miss.
        make: The change of a strength.
    """

    what: str
    rules: tuple[str, ...]
    strengths: tuple[float, ...]
    make: Make


def some(topic: str, change: Callable[[list[Told], float, random.Random], list[Told]]) -> Make:
    """A change of the messages of one topic as a list, put back in order of log time."""

    def make(strength: float, rng: random.Random) -> Change:
        def changed(messages: list[Told]) -> list[Told]:
            mine = change([told for told in messages if told.topic == topic], strength, rng)
            return sorted(mine + [told for told in messages if told.topic != topic], key=lambda told: told.log_ns)

        return changed

    return make


def each(topic: str, change: Callable[[Any, int, float, random.Random], Any]) -> Make:
    """A change of each message of one topic."""
    return lambda strength, rng: on_topic(topic, lambda message, number: change(message, number, strength, rng))


def whole(change: Change) -> Make:
    """A change without a strength."""
    return lambda _strength, _rng: change


def shifted(message: Any, delta_ns: int) -> None:
    """Move a header stamp."""
    stamp = message.header.stamp
    stamp.sec, stamp.nanosec = divmod(stamp.sec * NS_PER_S + stamp.nanosec + delta_ns, NS_PER_S)


def pixels_of(message: Any) -> np.ndarray:
    return np.asarray(simplejpeg.decode_jpeg(bytes(message.data)))


def with_pixels(message: Any, pixels: np.ndarray) -> Any:
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8)), quality=80)
    message.data = np.frombuffer(data, np.uint8)
    return message


def lost(mine: list[Told], share: float, rng: random.Random) -> list[Told]:
    gone = set(rng.sample(range(1, len(mine) - 1), max(1, round(share * len(mine)))))
    return [told for place, told in enumerate(mine) if place not in gone]


def frozen(mine: list[Told], seconds: float, _rng: random.Random) -> list[Told]:
    first = len(mine) // 4
    for told in mine[first : first + round(seconds * 30)]:
        told.message.data = mine[first].message.data
    return mine


def late(mine: list[Told], share: float, _rng: random.Random) -> list[Told]:
    return mine[max(1, round(share * len(mine))) :]


def back(mine: list[Told], seconds: float, _rng: random.Random) -> list[Told]:
    for told in mine[len(mine) // 2 :]:
        shifted(told.message, -round(seconds * NS_PER_S))
    return mine


def same_stamps(mine: list[Told], share: float, rng: random.Random) -> list[Told]:
    for place in rng.sample(range(1, len(mine)), max(1, round(share * len(mine)))):
        mine[place].message.header.stamp = mine[place - 1].message.header.stamp
    return mine


def jitter(message: Any, _number: int, share: float, rng: random.Random) -> Any:
    shifted(message, round(max(-0.45, min(0.45, rng.gauss(0, share))) * NS_PER_S / 30))
    return message


def skew(message: Any, _number: int, milliseconds: float, _rng: random.Random) -> Any:
    shifted(message, -round(milliseconds * 1e6))
    return message


def float32(message: Any, _number: int, since_s: float, _rng: random.Random) -> Any:
    stamp = message.header.stamp
    start_ns = 1_750_000_000 * NS_PER_S - round(since_s * NS_PER_S)
    seconds = np.float32((stamp.sec * NS_PER_S + stamp.nanosec - start_ns) / 1e9)
    stamp.sec, stamp.nanosec = divmod(start_ns + round(float(seconds) * 1e9), NS_PER_S)
    return message


def stuck(mine: list[Told], share: float, _rng: random.Random) -> list[Told]:
    held = mine[0].message.position[1]
    for told in mine[: round(share * len(mine))]:
        told.message.position = np.array([*told.message.position[:1], held, *told.message.position[2:]])
    return mine


def not_finite(mine: list[Told], count: float, rng: random.Random) -> list[Told]:
    for told in rng.sample(mine, int(count)):
        told.message.wrench.force.z = float("nan")
    return mine


def filled(mine: list[Told], share: float, _rng: random.Random) -> list[Told]:
    for told in mine[len(mine) - round(share * len(mine)) :]:
        for vector in (told.message.wrench.force, told.message.wrench.torque):
            vector.x = vector.y = vector.z = 999.0
    return mine


def spikes(mine: list[Told], count: float, rng: random.Random) -> list[Told]:
    for told in rng.sample(mine, int(count)):
        told.message.position = told.message.position + 0.05 * (np.arange(len(told.message.position)) == 2)
    return mine


def degrees(message: Any, _number: int, _strength: float, _rng: random.Random) -> Any:
    message.position = np.degrees(message.position)
    return message


def offset(message: Any, _number: int, millimetres: float, _rng: random.Random) -> Any:
    message.pose.position.x += millimetres / 1000
    return message


def longer(message: Any, _number: int, excess: float, _rng: random.Random) -> Any:
    for name in "xyzw":
        setattr(message.pose.orientation, name, getattr(message.pose.orientation, name) * (1 + excess))
    return message


def flipped(mine: list[Told], count: float, rng: random.Random) -> list[Told]:
    for place in rng.sample(range(1, len(mine)), int(count)):
        for name in "xyzw":
            setattr(mine[place].message.pose.orientation, name, -getattr(mine[place].message.pose.orientation, name))
    return mine


def lagging(mine: list[Told], milliseconds: float, _rng: random.Random) -> list[Told]:
    """Commands that go ahead of the state by so much: each bears an earlier stamp."""
    for told in mine:
        shifted(told.message, -round(milliseconds * 1e6))
    return mine


def black(mine: list[Told], count: float, _rng: random.Random) -> list[Told]:
    first = len(mine) // 3
    for told in mine[first : first + int(count)]:
        with_pixels(told.message, pixels_of(told.message) * 0)
    return mine


def brighter(message: Any, _number: int, factor: float, _rng: random.Random) -> Any:
    return with_pixels(message, pixels_of(message) * factor)


def blurred(message: Any, _number: int, radius: float, _rng: random.Random) -> Any:
    pixels = pixels_of(message).astype(float)
    for axis in (0, 1):
        steps = range(-int(radius), int(radius) + 1)
        pixels = np.mean([np.roll(pixels, step, axis) for step in steps], axis=0)
    return with_pixels(message, pixels)


def holes(message: Any, _number: int, share: float, rng: random.Random) -> Any:
    values = message.data.view("<u2").copy()
    values[np.random.default_rng(rng.randrange(2**32)).random(len(values)) < share] = 0
    message.data = values.view(np.uint8)
    return message


def depth_scaled(message: Any, _number: int, factor: float, _rng: random.Random) -> Any:
    message.data = (message.data.view("<u2") * factor).astype("<u2").view(np.uint8)
    return message


def same_view(messages: list[Told]) -> list[Told]:
    front, wrist = ([told.message for told in messages if told.topic == topic] for topic in (FRONT, WRIST))
    for one, other in zip(front, wrist, strict=False):
        other.data = one.data
    return messages


def state_as_action(messages: list[Told]) -> list[Told]:
    """Commands that are copies of the states."""
    states = [told.message for told in messages if told.topic == JOINTS]
    for told, state in zip([told for told in messages if told.topic == COMMANDS], states, strict=False):
        told.message.position, told.message.velocity = state.position, state.velocity
        told.message.effort = state.effort
    return messages


FAULTS: Mapping[str, Fault] = {
    "lost frames": Fault("share of a camera's frames", ("TM-07",), (0.01, 0.03, 0.06, 0.12, 0.3), some(FRONT, lost)),
    "frozen camera": Fault("s", ("VS-04",), (0.2, 0.4, 0.6, 1.0, 1.5), some(FRONT, frozen)),
    "clock goes back": Fault("s, 1 kHz stream", ("TM-01",), (0.0005, 0.002, 0.01, 0.1, 1.0), some(FORCE, back)),
    "late stream": Fault("share of the take", ("TM-14",), (0.01, 0.03, 0.06, 0.2), some(POSE, late)),
    "equal stamps": Fault("share", ("TM-02",), (0.002, 0.01, 0.05), some(FORCE, same_stamps)),
    "jitter": Fault("standard deviation in periods", ("TM-06",), (0.03, 0.08, 0.12, 0.25), each(FRONT, jitter)),
    "stamps before their time": Fault("ms", ("TM-12",), (30, 60, 120, 250), each(FRONT, skew)),
    "stamps of 32-bit seconds": Fault("s since the start", ("TM-03",), (5, 60, 600, 3000), each(FRONT, float32)),
    "stuck joint": Fault("share of the take", ("SR-07", "KN-09"), (0.1, 0.3, 0.6, 1.0), some(JOINTS, stuck)),
    "NaN": Fault("samples", ("SR-04",), (1, 10, 100), some(FORCE, not_finite)),
    "filled with 999.0": Fault("share of the take", ("SR-05",), (0.005, 0.02, 0.1, 0.5), some(FORCE, filled)),
    "spikes of 0.05 rad": Fault("samples", ("KN-07", "KN-03", "KN-09"), (1, 5, 30), some(JOINTS, spikes)),
    "degrees for radians": Fault("-", ("SR-03", "KN-02", "KN-09"), (1,), each(JOINTS, degrees)),
    "state given as action": Fault("-", ("SR-11",), (1,), whole(state_as_action)),
    "pose beside the joints": Fault("mm", ("KN-09",), (2, 6, 12, 30, 100), each(POSE, offset)),
    "pose frozen": Fault("-", ("KN-09",), (1,), whole(end_effector_frozen)),
    "quaternion not of length 1": Fault("excess", ("KN-14",), (0.0003, 0.002, 0.01, 0.1), each(POSE, longer)),
    "quaternion changes sign": Fault("samples", ("KN-14",), (1, 5), some(POSE, flipped)),
    "commands far ahead": Fault("ms", ("KN-10",), (40, 90, 200, 400), some(COMMANDS, lagging)),
    "black frames": Fault("frames", ("VS-05",), (3, 8, 30), some(FRONT, black)),
    "exposure": Fault("factor", ("VS-06", "VS-07"), (0.8, 0.35, 0.15, 1.5, 3.0), each(FRONT, brighter)),
    "blur": Fault("radius in pixels", ("VS-08",), (1, 2, 4, 8), each(FRONT, blurred)),
    "one picture for two cameras": Fault("-", ("VS-13",), (1,), whole(same_view)),
    "cameras swapped": Fault("-", ("VS-12",), (1,), whole(cameras_swapped)),
    "images halved": Fault("-", ("DG-04",), (1,), each(FRONT, lambda message, number, _s, _r: halved(message, number))),
    "depth of another unit": Fault("factor", ("DG-01",), (0.001, 0.1, 10.0), each(DEPTH, depth_scaled)),
    "holes in depth": Fault("share of pixels", ("DG-02",), (0.05, 0.2, 0.35, 0.7), each(DEPTH, holes)),
}


def failing(root: Path, profile: Profile) -> dict[str, str]:
    """Rule -> first level at which it fails."""
    report = judge(measure_path(root), profile, CONTEXT)
    found: dict[str, str] = {}
    for outcome in report.outcomes:
        for level, state in outcome.states.items():
            if state == "failed":
                found[outcome.rule_id] = min(level, found.get(outcome.rule_id, level))
    return found


def take(folder: Path, seed: int) -> Path:
    """A recorded clean take, made where it is not there yet."""
    root = folder / f"take_{seed}"
    if not (root / "ds").exists():
        partial = folder / f"partial_{seed}"
        _remove(partial)
        record(partial, SimOptions(seed=seed, takes=1, lead_s=0.0, gap_s=0.5), window_s=WINDOW_S)
        partial.rename(root)
    return root / "ds"


def main() -> None:
    """Clean takes first, then each fault; figures are kept after each take."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [int(word) for word in sys.argv[2:4]]
    clean_n, fault_n = [*numbers, *(CLEAN_TAKES, TAKES_A_FAULT)[len(numbers) :]]
    kept = folder / "figures.json"
    figures: dict[str, dict[str, str]] = json.loads(kept.read_text()) if kept.exists() else {}
    profile = load_profile(PROFILE)

    def ask(key: str, make: Callable[[Path], Path]) -> None:
        if key not in figures:
            scratch = folder / "scratch"
            _remove(scratch)  # of a run that was stopped
            figures[key] = failing(make(scratch), profile)
            _remove(scratch)
            kept.write_text(json.dumps(figures, indent=1))

    for seed in range(clean_n):
        ask(f"clean|{seed}", lambda _scratch, seed=seed: take(folder, seed))
    for seed in range(fault_n):
        ask(f"told again|{seed}", lambda scratch, seed=seed: dataset_with(scratch, unchanged, take(folder, seed)))
    for name, fault in FAULTS.items():
        for strength in fault.strengths:
            for seed in range(fault_n):
                change = fault.make(strength, random.Random(f"{name} {strength} {seed}"))  # noqa: S311  # seeded
                ask(
                    f"{name}|{strength:g}|{seed}",
                    lambda scratch, seed=seed, change=change: dataset_with(scratch, change, take(folder, seed)),
                )
    print(clean_table(figures, clean_n))
    print(fault_table(figures, fault_n))


def _remove(folder: Path) -> None:
    import shutil  # noqa: PLC0415

    shutil.rmtree(folder, ignore_errors=True)


def clean_table(figures: Mapping[str, Mapping[str, str]], clean_n: int) -> str:
    """Rules that fail on clean takes."""
    counts = Counter((rule, level) for seed in range(clean_n) for rule, level in figures[f"clean|{seed}"].items())
    lines = [f"| rule | from level | of {clean_n} clean takes |", "|---|---|---|"]
    lines += [f"| {rule} | {level} | {count} |" for (rule, level), count in sorted(counts.items())]
    return "\n".join(lines) + "\n"


def fault_table(figures: Mapping[str, Mapping[str, str]], fault_n: int) -> str:
    """A row a fault: for each strength how many were found, and from which level."""
    lines = ["| fault | answers | strength: found (level) | also |", "|---|---|---|---|"]
    for name, fault in FAULTS.items():
        cells, also = [], Counter[str]()
        for strength in fault.strengths:
            found: list[str] = []
            for seed in range(fault_n):
                before = figures[f"told again|{seed}"]
                fresh = {
                    rule: level
                    for rule, level in figures[f"{name}|{strength:g}|{seed}"].items()
                    if level < before.get(rule, "L9")
                }
                hits = [fresh[rule] for rule in fault.rules if rule in fresh]
                found += [min(hits)] if hits else []
                also.update(rule for rule in fresh if rule not in fault.rules)
            levels = "/".join(sorted(set(found)))
            cells.append(f"{strength:g}: {len(found)}/{fault_n}" + (f" ({levels})" if levels else ""))
        others = ", ".join(rule for rule, _ in also.most_common(4))
        lines.append(f"| {name} ({fault.what}) | {', '.join(fault.rules)} | {'; '.join(cells)} | {others} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
