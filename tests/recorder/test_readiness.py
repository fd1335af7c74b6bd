"""Go or no-go beyond presence and rate: clocks, disk, URDF, calibration, header stamps, definitions, QoS."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import support
from recorder.robot import Played, message
from recorder.support import JOINT_STREAM, dataset_in, stream
from rich.cells import cell_len
from transports.harness import free_domain, until

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.robots import RobotFolder, read_robot
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import contract_from
from embodied_kit.model.stream import Endpoint, Qos, Sample
from embodied_recorders.graph.checkup import longest_take_s
from embodied_recorders.graph.fitness import (
    MIXED_RELIABILITY,
    NO_DEFINITION,
    NOT_LATCHED,
    STAMP_FAR,
    STAMP_ZERO,
    Problem,
)
from embodied_recorders.graph.preflight import Preflight
from embodied_recorders.graph.readiness import NextTake, disk_budget, readiness, robot_rows, sim_time
from embodied_recorders.graph.survey import Arrivals
from embodied_recorders.transports import open_transport
from embodied_recorders.transports.memory import MemoryTransport

URDF = b"<robot name='arm'><joint name='j1' type='revolute'><parent link='a'/><child link='b'/></joint></robot>"
CAMERA = stream("cam", "/cam", support.IMAGE, 10, modality="vision", role="observation")
NOW_NS = 1_790_000_000 * 10**9


def robot_in(folder: Path, urdf: bytes = URDF, cameras: tuple[str, ...] = ("cam",)) -> RobotFolder:
    (folder / "calibration").mkdir(parents=True)
    (folder / "arm.urdf").write_bytes(urdf)
    (folder / "robot.json").write_bytes(pretty_bytes({"robot_id": "arm_01", "urdf_uri": "arm.urdf"}))
    calibration = {"robot_id": "arm_01", "cameras": [{"stream_id": name} for name in cameras]}
    (folder / "calibration" / "c.json").write_bytes(pretty_bytes(calibration))
    return read_robot(folder / "robot.json")


def seen(n: int = 1, size: int = 0) -> dict[str, dict[str, Arrivals]]:
    arrivals = Arrivals()
    for number in range(n):
        cdr = message("joint", number, NOW_NS) if not size else bytes(size)
        arrivals.add(Sample("/joint_states", cdr, number, number, "p", None))
    return {"/joint_states": {"p": arrivals}}


def test_a_described_robot_is_fit(tmp_path: Path) -> None:
    contract = support.contract(JOINT_STREAM, CAMERA)
    rows = list(robot_rows(contract, [robot_in(tmp_path / "arm")], seen()))
    assert [(row.state, row.found["en"]) for row in rows] == [("ok", "arm.urdf, 1 joints"), ("ok", "1 cameras")]


@pytest.mark.parametrize(
    ("urdf", "cameras", "en", "zh"),
    [
        (URDF.replace(b"j1", b"other"), ("cam",), "/joint_states has joints that it lacks: j1", "关节"),
        (b"no xml", ("cam",), "expected XML", "无法读取"),
        (URDF, ("other",), "none of cam", "缺少 cam"),
    ],
)
def test_what_does_not_match_the_robot_is_named(
    tmp_path: Path, urdf: bytes, cameras: tuple[str, ...], en: str, zh: str
) -> None:
    rows = list(robot_rows(support.contract(JOINT_STREAM, CAMERA), [robot_in(tmp_path / "arm", urdf, cameras)], seen()))
    (bad,) = [row for row in rows if row.state == "fail"]
    assert en in bad.found["en"]
    assert zh in bad.found["zh"]
    assert bad.remedy.keys() == {"en", "zh"}


def test_a_robot_that_nobody_describes(tmp_path: Path) -> None:
    rows = list(robot_rows(support.contract(JOINT_STREAM), [], seen()))
    assert [(row.state, row.what["en"]) for row in rows] == [("fail", "robot arm_01")]


@pytest.mark.parametrize(
    ("longest_s", "floor", "state"),
    [(1.0, 0, "ok"), (1e9, 0, "fail"), (None, 0, "warn"), (None, 2**60, "fail"), (1.0, 2**60, "fail")],
)
def test_the_next_take_fits_on_the_disk(tmp_path: Path, longest_s: float | None, floor: int, state: str) -> None:
    contract = support.contract(JOINT_STREAM, min_free_bytes=floor)
    size, free = 100_000, shutil.disk_usage(tmp_path).free
    window_s = 1.0 if longest_s else 60 * size / free  # without a limit: a full disk a minute
    row = disk_budget(contract, seen(1, size), window_s, NextTake(tmp_path / "not_yet", longest_s))
    if state == "ok":
        assert row.found["en"].startswith("0.10 MB/s x 1 s = 0.00 GB, ")
    assert row.state == state
    assert bool(row.remedy) == (state != "ok")


def test_a_clock_topic_is_told() -> None:
    endpoint = Endpoint("/clock", "rosgraph_msgs/msg/Clock", None, "p", "/sim", Qos())
    assert (sim_time([endpoint]).state, sim_time([]).state) == ("warn", "ok")


def test_buffers_count_only_over_udp(tmp_path: Path) -> None:
    def names(*, over_udp: bool) -> list[str]:
        contract, take = support.contract(JOINT_STREAM), NextTake(tmp_path, None)
        return [row.what["en"] for row in readiness(contract, [], {}, 1.0, take, None, over_udp=over_udp)]

    assert set(names(over_udp=True)) - set(names(over_udp=False)) == {"net.core.rmem_max", "UDP receive buffer granted"}


class Publishing(MemoryTransport):
    """Joint states whose header stamps lie `offset_ns` from now, or are 0; another QoS than its endpoint where told."""

    offset_ns: int | None = 0

    def take(self, timeout_s: float) -> list[Sample]:
        now_ns = time.time_ns()
        cdr = message("joint", 1, 0 if self.offset_ns is None else now_ns + self.offset_ns)
        time.sleep(0.01)
        return [Sample("/joint_states", cdr, now_ns, now_ns, "p", None)]


@pytest.mark.parametrize(
    ("offset_ns", "problem", "blocks"),
    [(0, None, False), (None, STAMP_ZERO, True), (-3_600 * 10**9, STAMP_FAR, False), (2 * 10**9, STAMP_FAR, False)],
)
def test_header_stamps(offset_ns: int | None, problem: Problem | None, blocks: bool) -> None:
    graph = Publishing(time.time_ns)
    graph.offset_ns = offset_ns
    graph.advertise("/joint_states", support.JOINTS, qos=Qos(), type_hash=None)
    (row,) = Preflight(support.contract(JOINT_STREAM), graph, graph.take, definitions=support.STORE).look(0.2)
    assert (row.remedy, row.blocks) == (problem.remedy if problem else None, blocks)


def test_a_type_that_nobody_defines() -> None:
    graph = MemoryTransport(time.time_ns)
    graph.advertise("/own", "own_msgs/msg/Own", qos=Qos(), type_hash=None)
    contract = support.contract(stream("own", "/own", "own_msgs/msg/Own", None))
    (row,) = Preflight(contract, graph, graph.take, definitions=TypeStore()).look(0.05)
    assert (row.remedy, row.blocks) == (NO_DEFINITION.remedy, True)


@pytest.fixture
def domain_id() -> Iterator[int]:
    with free_domain() as domain:
        yield domain


@pytest.mark.wire
def test_qos_of_all_publishers(domain_id: int) -> None:
    robots = [open_transport("dds", domain_id=domain_id) for _ in range(2)]
    graph = open_transport("dds", domain_id=domain_id)
    for robot, reliability in zip(robots, ("reliable", "best_effort"), strict=True):
        robot.advertise("/mixed", support.TEXT, qos=Qos(reliability=reliability), type_hash=None)
        robot.advertise("/latched", support.TEXT, qos=Qos(durability="volatile"), type_hash=None)
    until(lambda: len(graph.endpoints()) == 4, "all publishers")
    latched = stream("latched", "/latched", support.TEXT, None, cadence="latched")
    contract = support.contract(stream("mixed", "/mixed", support.TEXT, None), latched)
    mixed, volatile = Preflight(contract, graph, graph.take).look(0.5)
    assert (mixed.remedy, mixed.blocks) == (MIXED_RELIABILITY.remedy, False)
    assert mixed.problem["en"].startswith("QoS reliability: 1 of 2 publishers are best_effort")
    assert (volatile.remedy, volatile.blocks) == (NOT_LATCHED.remedy, True)
    assert volatile.problem["en"].startswith("QoS durability: 2 of 2")
    for one in (graph, *robots):
        one.close()


@pytest.mark.wire
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_reads_at_80_columns_and_says_no_go(tmp_path: Path, language: str) -> None:
    dataset = dataset_in(tmp_path)
    topic = "/a/topic/with/a/name/that/is/much/too/long/for/any/table"
    gone = stream("a_stream_with_quite_a_long_name", topic, support.TEXT, None)
    contract = support.contract_file(
        tmp_path, JOINT_STREAM, gone, {**CAMERA, "stream_id": "other_camera", "topic": "/camera/image"}
    )
    with support.running_robot(tmp_path) as robot:
        words = ["contract", "check", contract, "--domain", robot.domain_id, "--dataset", dataset.root, "--duration", 5]
        done = support.run(tmp_path, *words, language=language)
    assert (done.returncode, done.stderr) == (4, "")
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80, lines
    marks = [line.split()[:2] for line in lines if not line.startswith(" ")]
    assert marks[:3] == [["ok", "joint_states"], ["FAIL", "a_stream_with_quite_a_long_name"], ["ok", "other_camera"]]
    assert (
        lines[-1] == {"en": "no-go: 2 to mend", "zh": "不能开始：2 项待处理"}[language]
    )  # its calibration is of `camera`


@pytest.mark.wire
def test_record_refuses_what_the_check_refuses(tmp_path: Path) -> None:
    dataset = dataset_in(tmp_path)
    other = {**CAMERA, "stream_id": "other_camera", "topic": "/camera/image"}
    strange = stream("own", "/own", "own_msgs/msg/Own", None)
    contract = support.contract_file(tmp_path, JOINT_STREAM, other, strange, max_episode_s=1e12)
    Played("own_msgs/msg/Own", None, None, (bytes([0, 1, 0, 0, 0, 0, 0, 0]),)).write(tmp_path / "own.json")
    own = {"topic": "/own", "kind": "played", "rate_hz": 10, "file": str(tmp_path / "own.json")}
    with support.running_robot(tmp_path, [*support.TOPICS, own]) as robot:
        where = [contract, "--dataset", dataset.root, "--domain", robot.domain_id]
        checked = support.run(tmp_path, "contract", "check", *where)
        recorded = support.run(tmp_path, "record", *where, "--task", "pick", "--no-verdict")
    said = [[line for line in one.stdout.splitlines() if line.startswith("FAIL")] for one in (checked, recorded)]
    assert [line.split()[1] for line in said[0]] == ["own", "disk", "calibration"]
    assert [line.split()[:2] for line in said[1]] == [line.split()[:2] for line in said[0]]
    assert (checked.returncode, recorded.returncode) == (4, 4)
    assert recorded.stderr == "no-go: 3 to mend. Not recording.\n"
    assert all("no definition" in one.stdout and "of own_msgs/msg/Own" in one.stdout for one in (checked, recorded))
    assert dataset.episode_ids() == []


def test_a_contract_without_robots_is_told(tmp_path: Path) -> None:
    contract = contract_from({**support.contract_document(JOINT_STREAM, CAMERA), "robots": []})
    (row,) = robot_rows(contract, [robot_in(tmp_path / "arm")], seen())
    assert (row.state, row.found["en"]) == ("warn", "the contract names none")


def test_a_camera_that_may_be_absent_may_lack_its_calibration(tmp_path: Path) -> None:
    robot = robot_in(tmp_path / "arm", cameras=())
    rows = [
        list(robot_rows(support.contract(JOINT_STREAM, {**CAMERA, "required": needed}), [robot], seen()))[-1].state
        for needed in (True, False)
    ]
    assert rows == ["fail", "warn"]


@pytest.mark.parametrize(
    ("limit_s", "duration_s", "longest_s"), [(None, None, None), (5.0, None, 5.0), (5.0, 2.0, 2.0), (2.0, 9.0, 2.0)]
)
def test_the_longest_take_is_the_nearer_limit(
    limit_s: float | None, duration_s: float | None, longest_s: float | None
) -> None:
    limits = {} if limit_s is None else {"max_episode_s": limit_s}
    assert longest_take_s(support.contract(JOINT_STREAM, **limits), duration_s) == longest_s
