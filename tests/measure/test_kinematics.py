"""Known answers: closed forms of a planar arm, of a minimum-jerk movement, of shifts, jumps and chatter."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.errors import DataError
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.kinematics.forward import angle_between, conjugate, forward, product, relative, rotated
from embodied_kit.measure.kinematics.gripper import closed_and_open, range_excess, reversals
from embodied_kit.measure.kinematics.lag import command_lag
from embodied_kit.measure.kinematics.model import Joint, Model, read_model
from embodied_kit.measure.kinematics.motion import (
    Motion,
    acceleration_spikes,
    idle_time,
    jump_z,
    log_dimensionless_jerk,
    motion_of,
)
from embodied_kit.measure.kinematics.wrench import clipped_ratio

PLANAR = b"""<robot name="planar">
<joint name="a" type="revolute"><parent link="base"/><child link="l1"/><axis xyz="0 0 2"/>
  <limit lower="-3" upper="3" velocity="2" effort="1"/></joint>
<joint name="b" type="continuous"><parent link="l1"/><child link="l2"/>
  <origin xyz="0.5 0 0"/><axis xyz="0 0 1"/></joint>
<joint name="c" type="prismatic"><parent link="l2"/><child link="l3"/><origin xyz="0.3 0 0"/><axis xyz="1 0 0"/>
  <limit lower="0" upper="0.2" velocity="0.5" effort="1"/></joint>
<joint name="d" type="fixed"><parent link="l3"/><child link="tip"/>
  <origin xyz="0.1 0 0" rpy="0 0 1.5707963267948966"/></joint>
<joint name="m" type="revolute"><parent link="l2"/><child link="side"/><axis xyz="0 0 1"/>
  <mimic joint="a" multiplier="-2" offset="0.1"/><limit lower="-9" upper="9" velocity="1" effort="1"/></joint>
</robot>"""
ANGLE = st.floats(-3.0, 3.0)
AXIS = np.array([0.0, 0.0, 1.0])


def motion(values: np.ndarray, rate_hz: float = 100.0) -> Motion:
    columns = values.reshape(len(values), -1)
    return Motion(np.arange(len(values)) / rate_hz, columns, 0)


def minimum_jerk(n: int) -> np.ndarray:
    tau = np.linspace(0, 1, n)
    return 10 * tau**3 - 15 * tau**4 + 6 * tau**5


@given(a=ANGLE, b=ANGLE, c=st.floats(0.0, 0.2))
def test_a_planar_arm_has_its_closed_form(a: float, b: float, c: float) -> None:
    model = read_model(PLANAR)
    positions = {name: np.array([value]) for name, value in (("a", a), ("b", b), ("c", c))}
    chain = model.chain("tip")
    assert chain is not None
    poses = forward(model, chain, positions, 1)
    reach = 0.4 + c
    expected = [0.5 * math.cos(a) + reach * math.cos(a + b), 0.5 * math.sin(a) + reach * math.sin(a + b), 0.0]
    assert poses.xyz_m[0] == pytest.approx(expected, abs=1e-12)
    half = (a + b + math.pi / 2) / 2
    turn = np.array([[0.0, 0.0, math.sin(half), math.cos(half)]])
    assert angle_between(poses.quaternion, turn)[0] == pytest.approx(0, abs=1e-7)
    side = forward(model, model.chain("side") or [], positions, 1)
    assert side.xyz_m[0][:2] == pytest.approx([0.5 * math.cos(a), 0.5 * math.sin(a)], abs=1e-12)
    whole = a + b - 2 * a + 0.1
    assert angle_between(side.quaternion, _about_z(whole))[0] == pytest.approx(0, abs=1e-7)
    seen = relative(forward(model, model.chain("l1") or [], positions, 1), poses)
    assert seen.xyz_m[0][:2] == pytest.approx([0.5 + reach * math.cos(b), reach * math.sin(b)], abs=1e-12)


def _about_z(angle: float) -> np.ndarray:
    return np.array([[0.0, 0.0, math.sin(angle / 2), math.cos(angle / 2)]])


@given(first=st.lists(st.floats(-1, 1), min_size=4, max_size=4), vector=st.lists(ANGLE, min_size=3, max_size=3))
def test_a_turn_keeps_lengths_and_its_inverse_undoes_it(first: list[float], vector: list[float]) -> None:
    quaternion = np.array([first])
    norm = float(np.sqrt(np.sum(quaternion**2)))
    if norm < 1e-3:
        return
    quaternion /= norm
    turned = rotated(quaternion, np.array([vector]))
    assert np.sum(turned**2) == pytest.approx(sum(v * v for v in vector), abs=1e-9)
    assert rotated(conjugate(quaternion), turned)[0] == pytest.approx(vector, abs=1e-9)
    assert angle_between(quaternion, -3.0 * quaternion)[0] == pytest.approx(0, abs=1e-6)
    assert product(quaternion, conjugate(quaternion))[0] == pytest.approx([0, 0, 0, 1], abs=1e-9)


def test_the_limits_and_axes_of_a_urdf_are_read() -> None:
    joints = read_model(PLANAR).joints
    assert joints["a"] == Joint("a", "revolute", "base", "l1", axis=(0, 0, 1), lower=-3, upper=3, velocity=2)
    assert (joints["b"].lower, joints["b"].upper, joints["b"].velocity) == (None, None, None)
    assert (joints["m"].follows, joints["m"].multiplier, joints["m"].offset) == ("a", -2, 0.1)


JOINT = b'<joint name="a" type="revolute"><parent link="p"/><child link="c"/>%s</joint>'


@pytest.mark.parametrize(
    "joints",
    [
        JOINT % b'<origin xyz="0 0"/>',
        JOINT % b'<origin xyz="0 0 nan"/>',
        JOINT % b'<origin rpy="0 0 1,5"/>',
        JOINT % b'<axis xyz="0 0 0"/>',
        JOINT % b'<limit lower="low"/>',
        JOINT % b'<mimic joint="other"/>',
        JOINT % b"" + JOINT % b"",
        (JOINT % b"").replace(b"revolute", b"screw"),
        (JOINT % b"").replace(b'link="p"', b'link=""'),
        (JOINT % b"").replace(b'"a"', b'"b"').replace(b'"p"', b'"c"', 1),
        JOINT % b"" + (JOINT % b"").replace(b'"a"', b'"b"'),
        JOINT % b"" + b'<joint name="b" type="fixed"><parent link="c"/><child link="p"/></joint>',
        b"".join(
            b'<joint name="%d" type="fixed"><parent link="r"/><child link="%d"/></joint>' % (i, i) for i in range(1025)
        ),
    ],
)
def test_a_urdf_that_leaves_something_to_guess_is_refused(joints: bytes) -> None:
    with pytest.raises(DataError):
        read_model(b'<robot name="r">' + joints + b"</robot>")


def test_joints_that_follow_each_other_end() -> None:
    follow = {name: Joint(name, "revolute", f"l{name}", name, follows=other) for name, other in ("ab", "ba")}
    model = Model(follow, {joint.child: joint for joint in follow.values()})
    poses = forward(model, [follow["a"]], {"a": np.zeros(2), "b": np.zeros(2)}, 2)
    assert (poses.xyz_m == 0).all()


def test_a_minimum_jerk_movement_has_the_smoothness_of_its_formula() -> None:
    tau = np.linspace(0, 1, 1_000_001)
    speed, jerk = 30 * tau**2 - 60 * tau**3 + 30 * tau**4, 60 - 360 * tau + 360 * tau**2
    part = speed >= 0.05 * 1.875
    length = tau[part][-1] - tau[part][0]
    exact = -math.log(length**3 / 1.875**2 * float(np.mean(jerk[part] ** 2)) * length)
    assert exact == pytest.approx(-4.41, abs=0.01)
    found = log_dimensionless_jerk(motion(minimum_jerk(2001), 1000))
    assert found == pytest.approx(exact, abs=0.05)


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.2, 5.0), slower=st.floats(1.0, 4.0), seed=st.integers(0, 50))
def test_neither_size_nor_duration_changes_the_smoothness(scale: float, slower: float, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=3)
    n = 2000
    tau = np.linspace(0, 1, n)
    values = minimum_jerk(n) + 0.05 * sum(w * np.sin(np.pi * (k + 2) * tau) ** 3 for k, w in enumerate(weights))
    base = log_dimensionless_jerk(motion(values, n / 4))
    other = log_dimensionless_jerk(motion(scale * values, n / (4 * slower)))
    assert base is not None
    assert other == pytest.approx(base, abs=0.15)
    shaken = values + 0.002 * np.sin(2 * np.pi * 8 * 4 * tau)
    rough = log_dimensionless_jerk(motion(shaken, n / 4))
    assert rough is not None
    assert rough < base


def test_what_does_not_move_has_no_smoothness() -> None:
    assert log_dimensionless_jerk(motion(np.zeros(500))) is None
    assert log_dimensionless_jerk(motion(np.arange(6.0))) is None
    assert motion(np.zeros(2)).derivative() is None


def test_speeds_are_taken_on_real_stamps_and_over_the_window() -> None:
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.001, 0.006, 2000))
    line = Motion(time_s, np.stack([3 * time_s, -time_s], axis=1), 0)
    velocity = line.derivative()
    assert velocity is not None
    assert velocity.values == pytest.approx(np.tile([3.0, -1.0], (velocity.n, 1)))
    slow = motion(np.arange(20.0), 10).derivative()
    assert slow is not None
    assert slow.n == 18  # two samples, since the window is shorter than they are


def test_samples_that_are_not_finite_or_of_equal_stamps_are_left_out() -> None:
    values = np.array([[0.0, 1], [1, 1], [np.nan, 1], [3, 1], [4, np.inf]])
    found = motion_of(Track(("x", "y"), np.array([10, 10, 20, 30, 40], np.int64) * 10**9, values), [0, 1])
    assert found.time_s.tolist() == [0, 20]
    assert found.values[:, 0].tolist() == [0, 3]
    assert motion_of(Track(("x",), np.empty(0, np.int64), np.empty((0, 1))), [0]).n == 0


def test_idle_ends_and_share_are_found() -> None:
    move = np.concatenate(
        [np.zeros(150), minimum_jerk(401) * 2, np.full(50, 2.0), 2 - minimum_jerk(101), np.full(298, 1.0)]
    )
    found = idle_time([(motion(move), np.array([0.05]))])
    assert found is not None
    assert found.head_s == pytest.approx(1.5, abs=0.3)
    assert found.tail_s == pytest.approx(2.98, abs=0.1)
    assert found.ratio == pytest.approx(1 - 5.0 / 10, abs=0.07)
    assert [round(spot.value, 1) for spot in found.spots.top] == pytest.approx([3.0], abs=0.3)
    other = Motion(np.array([2.0, 2.5, 3.0]), np.zeros((3, 1)), 0)
    assert idle_time([(motion(move), np.array([0.05])), (other, np.array([0.05]))]) == found
    still = idle_time([(motion(np.zeros(301)), np.array([0.05]))])
    assert still is not None
    assert (still.ratio, still.head_s) == (1.0, pytest.approx(3.0, abs=0.05))
    assert idle_time([(motion(np.zeros(2)), np.array([0.05]))]) is None


def test_two_arms_are_idle_only_when_both_are() -> None:
    first = np.concatenate([minimum_jerk(301), np.ones(300)])
    second = np.concatenate([np.zeros(301), minimum_jerk(300)])
    alone = idle_time([(motion(first), np.array([0.05]))])
    both = idle_time([(motion(first), np.array([0.05])), (motion(second), np.array([0.05]))])
    assert alone is not None
    assert both is not None
    assert alone.ratio > 0.5
    assert both.ratio < 0.2


@pytest.mark.parametrize("jumps", [0, 1, 4])
def test_a_jump_of_a_position_is_a_spike_for_twice_the_window(jumps: int) -> None:
    values = np.sin(np.arange(1000) / 100)
    for jump in range(jumps):
        values[200 * jump + 90 :] += 0.4
    found = acceleration_spikes(motion(values, 100), np.array([0.05]))
    assert found is not None
    assert found.spots.total_n == jumps
    assert found.ratio == pytest.approx(
        jumps * 8 / 970, rel=0.05
    )  # two differences over 4 samples each; 30 do not move


@settings(max_examples=30, deadline=None)
@given(lag_s=st.floats(-0.2, 0.6), seed=st.integers(0, 100), offset=st.floats(-2, 2))
def test_a_shift_is_recovered(lag_s: float, seed: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.normal(size=12))

    def path(t: np.ndarray) -> np.ndarray:
        return np.asarray(sum(k * np.sin(0.7 * (i + 1) * t + i) for i, k in enumerate(knots)) / 12)

    command_s, state_s = np.arange(0, 12, 0.01), np.arange(0.3, 12.5, 0.004)
    state = path(state_s - lag_s) + offset + 1e-5 * rng.normal(size=len(state_s))
    found = command_lag(
        Motion(command_s, path(command_s)[:, None], 5 * 10**9),
        Motion(state_s - 0.3, state[:, None], 5 * 10**9 + 300_000_000),
    )
    assert found is not None
    assert found.lag_s == pytest.approx(lag_s, abs=0.003)
    assert found.correlation > 0.99


def test_a_state_of_its_own_does_not_follow() -> None:
    rng = np.random.default_rng(4)
    noise = [motion(np.cumsum(rng.normal(size=2000)), 100) for _ in range(2)]
    found = command_lag(*noise)
    assert found is not None
    assert found.correlation < 0.5
    assert command_lag(noise[0], motion(np.zeros(2000))) is None
    assert command_lag(noise[0], motion(np.arange(50.0))) is None


def test_one_jump_among_steady_commands_stands_out() -> None:
    steady = np.stack([np.sin(np.arange(2000) / 200), np.cos(np.arange(2000) / 150)], axis=1)
    jumping = steady.copy()
    jumping[1000:] += 0.5
    calm, found = jump_z(motion(steady)), jump_z(motion(jumping))
    assert calm is not None
    assert calm[0] == pytest.approx(1.3, abs=0.5)
    assert found is not None
    assert found[0] == pytest.approx(math.sqrt(1999), rel=0.1)
    assert [spot.start_ns for spot in found[1].top] == [10_000_000_000]
    assert jump_z(motion(np.ones((50, 2)))) is None
    assert jump_z(motion(np.column_stack([steady[:, 0], np.ones(2000)]))) == jump_z(motion(steady[:, :1]))


@pytest.mark.parametrize("turns", [0, 1, 2, 7])
def test_turns_of_a_gripper_are_counted_and_its_noise_is_not(turns: int) -> None:
    ends = [0.0] + [0.04 * ((i + 1) % 2) for i in range(turns + 1)]
    path = np.concatenate([np.linspace(low, high, 200) for low, high in pairwise(ends)])
    noisy = path + 5e-6 * np.random.default_rng(turns).normal(size=len(path))
    assert reversals(noisy) == turns
    assert reversals(5e-6 * np.random.default_rng(0).normal(size=1000)) == 0
    assert reversals(np.empty(0)) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0=closed, 1=open", (0, 1)),
        ("0=closed, 0.04=open, m of each finger", (0, 0.04)),
        ("open = 0, closed = 255", (255, 0)),
        ("-1e-2=closed; 0.5=open", (-0.01, 0.5)),
        ("0 is closed and 1 is open", None),
        ("1=open", None),
        ("1=closed, 1=open", None),
        ("", None),
    ],
)
def test_what_a_gripper_means_is_read_or_not_known(text: str, expected: tuple[float, float] | None) -> None:
    assert closed_and_open(text) == expected


def test_how_far_a_gripper_leaves_its_range() -> None:
    assert range_excess(np.array([0.0, 1.0]), 0, 1) == 0
    assert range_excess(np.array([-0.5, 1.0]), 1, 0) == 0.5
    assert range_excess(np.array([0.0, 100.0]), 0, 1) == 99


def test_only_a_lasting_extreme_is_clipped() -> None:
    stamps = np.arange(1000, dtype=np.int64) * 1_000_000
    force = np.sin(np.arange(1000) / 50) + 0.01 * np.random.default_rng(2).normal(size=1000)
    assert clipped_ratio(stamps, force) == 0
    clipped = np.minimum(20 * force, 12.0)
    told = clipped == 12.0
    runs = np.diff(np.concatenate(([0], told.astype(int), [0])))
    assert (np.flatnonzero(runs == -1) - np.flatnonzero(runs == 1)).max() < 200  # 1 kHz: none lasts for 0.2 s
    assert clipped_ratio(stamps, clipped) == 0
    assert clipped_ratio(stamps * 4, clipped) == pytest.approx(told.mean(), abs=0.2)
    assert clipped_ratio(stamps, np.zeros(1000)) == 0
    held = np.concatenate([force[:600], np.full(400, 9.0)])
    assert clipped_ratio(stamps, held) == 0.4
