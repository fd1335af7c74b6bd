from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from report.samples import NS, START_NS, bad_report, clean_report, jpeg, rulebook

from embodied_kit.mcap.writer import McapWriter
from embodied_kit.messages.codec import codec
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.facts import Facts, Row
from embodied_validators.report import EpisodeInfo, PictureDecision, SubjectInfo, pictures_allowed, render_html
from embodied_validators.report.info import subject_info
from embodied_validators.report.thumbnail import WIDTH
from embodied_validators.report.views import MOST_RATES, episode_view, worst_episodes

EPISODE = "019a2f3c-7d10-7c00-8abc-0123456789aa"
SHOWN, HIDDEN = PictureDecision(allowed=True, reason="simulated"), PictureDecision(allowed=False, reason="personal")
JOINTS = ("shoulder", "elbow", "gripper")
SECONDS = 10


def stamp(time_ns: int) -> dict[str, object]:
    return {"stamp": {"sec": time_ns // NS, "nanosec": time_ns % NS}, "frame_id": "base"}


class Take:
    """An MCAP file as a recorder writes it, message by message."""

    def __init__(self, path: Path) -> None:
        self.writer = McapWriter(path)
        self.store = TypeStore()
        self.channels: dict[str, int] = {}

    def put(self, topic: str, ros_type: str, time_ns: int, message: dict[str, object]) -> None:
        if topic not in self.channels:
            definition = self.store.definition(ros_type, None, "jazzy")
            assert definition is not None
            schema = self.writer.add_schema(ros_type, "ros2msg", definition.text.encode())
            self.channels[topic] = self.writer.add_channel(topic, schema)
        cdr = codec(ros_type).encode(message)
        self.writer.write(self.channels[topic], time_ns + 2_000_000, time_ns + 1_000_000, 0, cdr)


def joint_values(index: int) -> list[float]:
    return [index / 100, -index / 100, 0.02]


def record(path: Path, seconds: int = SECONDS) -> None:
    take = Take(path)
    with take.writer:
        for index in range(100 * seconds):
            time_ns = START_NS + index * NS // 100
            joints = {"header": stamp(time_ns), "name": list(JOINTS), "position": joint_values(index)}
            take.put("/joint_states", "sensor_msgs/msg/JointState", time_ns, joints)
            if index % 10 == 0:
                pose = {"header": stamp(time_ns), "pose": {"position": {"x": 1.0 * index, "y": 2.0, "z": 3.0}}}
                take.put("/ee_pose", "geometry_msgs/msg/PoseStamped", time_ns, pose)
                image = {"header": stamp(time_ns), "format": "jpeg", "data": jpeg(index % 200, 640, 480)}
                take.put("/cam", "sensor_msgs/msg/CompressedImage", time_ns, image)
                depth = np.full((48, 64), 500 + index, "<u2")
                depth[:, :32] = 2000
                raw = {"height": 48, "width": 64, "encoding": "16UC1", "step": 128, "data": depth.tobytes()}
                take.put("/depth", "sensor_msgs/msg/Image", time_ns, {"header": stamp(time_ns), **raw})
        take.put("/once", "std_msgs/msg/String", START_NS, {"data": "hello"})


def facts(streams: tuple[Row, ...] | None = None) -> Facts:
    rows: tuple[Row, ...] = (
        {"stream": "joints", "topic": "/joint_states", "role": "state", "nominal_rate_hz": 100.0},
        {"stream": "ee_pose", "topic": "/ee_pose", "role": "state", "nominal_rate_hz": 10},
        {"stream": "cam", "topic": "/cam", "role": "observation", "nominal_rate_hz": 10},
    )
    tables: dict[str, tuple[Row, ...]] = {
        "container": ({"path": f"episodes/{EPISODE}/data_000.mcap"},),
        "stream": rows if streams is None else streams,
        "dim": (
            {"stream": "joints", "field": "position", "index": 0, "name": "shoulder", "unit": "rad"},
            {"stream": "joints", "field": "position", "index": 1, "name": "elbow", "unit": "rad"},
            {"stream": "joints", "field": "position", "index": 2, "name": "gripper", "unit": "m"},
            {"stream": "ee_pose", "field": "pose.position", "index": 0, "name": "x", "unit": "m"},
        ),
        "span": ({"stream": "cam", "kind": "gap", "start_ns": str(START_NS + NS), "end_ns": str(START_NS + 2 * NS)},),
    }
    return Facts(EPISODE, "full", "episode", tables)


INFO = EpisodeInfo(EPISODE, START_NS, float(SECONDS), "pick", "success")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    path = folder / "episodes" / EPISODE / "data_000.mcap"
    path.parent.mkdir(parents=True)
    record(path)
    return folder


def test_joints_are_named_with_unit_and_value(root: Path) -> None:
    view = episode_view(root, facts(), INFO, SHOWN)
    joints = [series for series in view.series if series.stream == "joints"]
    assert [(series.name, series.unit) for series in joints] == [
        ("shoulder", "rad"),
        ("elbow", "rad"),
        ("gripper", "m"),
    ]
    assert len(joints[0].values) == 1000
    assert np.allclose(joints[1].values, -np.arange(1000) / 100)
    assert np.array_equal(joints[0].times_ns, START_NS + np.arange(1000) * NS // 100)  # the header's stamps
    assert next((s.name, s.unit, s.values[-1]) for s in view.series if s.stream == "ee_pose") == ("x", "m", 990.0)


def test_rates_are_intervals_of_every_stream_faulty_ones_first(root: Path) -> None:
    view = episode_view(root, facts(), INFO, SHOWN)
    assert [(rate.topic, rate.nominal_rate_hz) for rate in view.rates] == [
        ("/cam", 10.0),
        ("/joint_states", 100.0),
        ("/depth", None),
        ("/ee_pose", 10.0),
    ]
    intervals = view.rates[1].intervals_ns
    assert intervals is not None
    assert len(intervals) == 999
    assert np.allclose(intervals, NS / 100)
    assert [(span.stream, span.kind) for span in view.spans] == [("cam", "gap")]


def test_frames_are_small_and_spread_over_the_episode(root: Path) -> None:
    view = episode_view(root, facts(), INFO, SHOWN)
    assert [strip.topic for strip in view.strips] == ["/cam", "/depth"]
    for strip in view.strips:
        seconds = [(time - START_NS) / NS for time, _ in strip.frames]
        assert np.allclose(seconds, np.arange(0.625, 10, 1.25), atol=0.11)
        for _, data in strip.frames:
            height, width, _, _ = simplejpeg.decode_jpeg_header(data)
            assert width <= WIDTH
            assert height * 4 == width * 3
    depth = simplejpeg.decode_jpeg(view.strips[1].frames[0][1], colorspace="GRAY")
    bar = max(2, len(depth) // 40)
    assert depth[:-bar, 36:].min() > depth[:-bar, :28].max(), "half a metre is brighter than two"
    page = render_html(clean_report(), rulebook(), [view], SubjectInfo("x", 1), "en")
    assert page.count("0.1 m bright to 10 m dark") == 1


def test_no_frame_is_read_where_it_may_not_be_shown(root: Path) -> None:
    view = episode_view(root, facts(), INFO, HIDDEN)
    assert view.strips == ()
    page = render_html(clean_report(), rulebook(), [view], SubjectInfo("x", 1), "en")
    assert "data:image" not in page
    assert "declares personal information" in page


def test_a_bare_file_needs_no_declaration(root: Path) -> None:
    bare = Facts("bare", "full", "bare", {"container": ({"path": "data_000.mcap"},), "stream": (), "span": ()})
    info = EpisodeInfo("bare", START_NS, 10.0)
    view = episode_view(root / "episodes" / EPISODE / "data_000.mcap", bare, info, SHOWN)
    assert [series.name for series in view.series] == list(JOINTS)
    assert {series.stream for series in view.series} == {"/joint_states"}


def test_what_cannot_be_opened_is_said(root: Path, tmp_path: Path) -> None:
    view = episode_view(tmp_path, facts(), INFO, SHOWN)
    assert view.notes == ("a data file could not be opened",)
    assert view.rates == ()
    outside = Facts(EPISODE, "full", "episode", {"container": ({"path": "../../etc/passwd"},)})
    assert episode_view(root, outside, INFO, SHOWN).notes == ("a data file could not be opened",)
    page = render_html(clean_report(), rulebook(), [view], SubjectInfo("x", 1), "en")
    assert "Not everything is drawn: a data file could not be opened." in page
    assert "曲线不完整：有数据文件无法打开。" in page
    assert episode_view(root, facts(()), EpisodeInfo(EPISODE), SHOWN).notes == ("the span of the episode is not known",)


def test_a_truncated_file_gives_what_is_there(root: Path, tmp_path: Path) -> None:
    whole = root / "episodes" / EPISODE / "data_000.mcap"
    data = whole.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: len(data) // 2])
    bare = Facts("bare", "full", "bare", {"container": ({"path": "cut.mcap"},)})
    view = episode_view(cut, bare, EpisodeInfo("bare", START_NS, 10.0), SHOWN)
    assert 0 < len(view.series[0].values) < 1000


def test_many_topics_are_cut_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "many.mcap"
    take = Take(path)
    with take.writer:
        for topic in range(MOST_RATES + 5):
            for index in range(4):
                take.put(f"/t{topic:02}", "std_msgs/msg/String", START_NS + index * NS, {"data": "x"})
    bare = Facts("bare", "full", "bare", {"container": ({"path": "many.mcap"},)})
    view = episode_view(path, bare, EpisodeInfo("bare", START_NS, 4.0), SHOWN)
    assert len(view.rates) == MOST_RATES
    assert view.notes == ("5 more streams are not plotted",)


def test_the_worst_episodes_come_first() -> None:
    report = bad_report()
    first = worst_episodes(report)
    assert first[0] == report.findings[0].place.episode
    assert set(report.excluded) < set(first)
    assert len(worst_episodes(report, 2)) == 2


def test_pictures_need_a_reason() -> None:
    assert pictures_allowed({"data_origin": "sim"}, None, asked=False) == PictureDecision(True, "simulated")
    assert pictures_allowed({"data_origin": "real"}, {"contains_personal_info": False}, asked=False).reason == "p0"
    anonymised = {"contains_personal_info": True, "deid_claim": "anonymised"}
    assert pictures_allowed(None, anonymised, asked=False).reason == "p1"
    personal = {"contains_personal_info": True, "deid_claim": "deidentified"}
    assert pictures_allowed(None, personal, asked=False) == PictureDecision(False, "personal")
    assert pictures_allowed(None, None, asked=False) == PictureDecision(False, "undeclared")
    assert pictures_allowed(None, personal, asked=True) == PictureDecision(True, "asked")


def test_the_subject_is_told_from_facts() -> None:
    document = {
        "start_ns": str(START_NS),
        "end_ns": str(START_NS + 12 * NS),
        "task_id": "pick",
        "outcome": "failure",
    }
    units = [
        Facts(EPISODE, "full", "episode", {"document": ({"kind": "episode", "value": document},)}),
        Facts("dataset", "full", "dataset", {"document": ({"kind": "dataset", "value": {"title_en": "T"}},)}),
    ]
    info = subject_info("demo", units)
    assert info.episodes == (EpisodeInfo(EPISODE, START_NS, 12.0, "pick", "failure"),)
    assert (info.episodes_n, info.duration_s, info.title) == (1, 12.0, {"en": "T"})
    stamps = {"first_stamp_ns": str(START_NS), "last_stamp_ns": str(START_NS + NS)}
    assert subject_info("bag", [Facts("bare", "full", "bare", {"stream": (stamps,)})]).duration_s == 1.0
