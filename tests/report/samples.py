"""Reports, rules and episodes made by hand: what a judge would say about a small demo dataset with faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import simplejpeg

from embodied_kit.model.outcomes import outcomes_of
from embodied_kit.model.report import Finding, Outcome, Outcomes, Place, Report, Skipped, State, Waiver, WaiverUse
from embodied_kit.model.rule import LEVELS, DocumentCheck, Level, Limit, LimitCheck, Rule, Severity
from embodied_validators.report import render_html
from embodied_validators.report.episode_view import EpisodeView, Path3, Rate, Series, Span, Strip
from embodied_validators.report.info import EpisodeInfo, SubjectInfo

NS = 1_000_000_000
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
START_NS = 1_790_000_000 * NS
EPISODES = tuple(f"019a2f3c-7d1{i}-7c00-8abc-0123456789{i}f" for i in range(4))
CLAUSE = "GB/Z 218.1-2026 6.2.2.3"


def limit_rule(
    rule_id: str,
    title: tuple[str, str],
    measure: str,
    limits: Mapping[Level, Limit],
    *,
    severity: Severity = "error",
    comparator: str = "max",
    table: str = "stream",
    fix: tuple[str, str] = ("Record again.", "请重新录制。"),
) -> Rule:
    check = LimitCheck(table, {"cadence": "periodic"}, measure, comparator, limits)
    return Rule(
        rule_id=rule_id,
        title={"en": title[0], "zh": title[1]},
        why={"en": f"Why {title[0].lower()} matters to a policy.", "zh": f"{title[1]}会影响策略训练。"},
        fix={"en": fix[0], "zh": fix[1]},
        severity=severity,
        level=min(limits, key=LEVELS.index),
        overridable=True,
        checks=(check,),
    )


def standard(value: float) -> Limit:
    return Limit(value, "standard", "宜", CLAUSE, "second-hand", "2026-10-02")


def rulebook() -> dict[str, Rule]:
    own = {"L2": Limit(0.05, "engineering"), "L3": standard(0.01), "L4": standard(0.01)}
    rules = [
        limit_rule(
            "TM-07",
            ("Lost frames", "丢帧率"),
            "lost_ratio",
            own,
            fix=(
                "Check the camera's USB bandwidth. Lower the resolution or give it a bus of its own.",
                "检查相机的 USB 带宽。降低分辨率，或为其单独分配总线。",
            ),
        ),
        limit_rule("TM-06", ("Jitter", "抖动"), "jitter_ratio", {"L2": Limit(0.2, "engineering"), "L3": standard(0.1)}),
        limit_rule(
            "TM-08",
            ("Longest gap", "最长间断"),
            "max_gap_ns",
            {"L2": Limit(1_000_000_000, "practice", "-", "RoboCOIN", "read", "2026-10-02")},
            fix=("Find what blocked the driver at that moment.", "查找当时阻塞驱动的原因。"),
        ),
        limit_rule(
            "VS-06",
            ("Exposure", "曝光"),
            "clipped_ratio_p95",
            {"L2": Limit(0.2, "practice", "-", "RDA", "second-hand")},
            severity="warning",
            table="frame",
        ),
        limit_rule(
            "SR-10",
            ("Rate of colour cameras", "彩色相机帧率"),
            "rate_hz",
            {"L3": Limit(29.0, "practice", "-", "ARIO", "read")},
            comparator="min",
        ),
        limit_rule("CT-07", ("Messages decode", "消息可解码"), "decode_failures", {"L1": Limit(0, "engineering")}),
    ]
    documents = [
        ("KN-01", "URDF and joint names", "URDF 与关节名称", "robot", "L2"),
        ("KN-14", "Quaternions normalised", "四元数归一化", "robot", "L2"),
        ("SM-01", "Task text in Chinese and English", "中英文任务描述", "task", "L2"),
        ("ST-01", "Dataset document valid", "数据集清单有效", "dataset", "L1"),
    ]
    for rule_id, en, zh, document, level in documents:
        check = DocumentCheck(document, None, {"type": "object"}, "", {level: Limit(value=True, origin="engineering")})
        rules.append(
            Rule(
                rule_id=rule_id,
                title={"en": en, "zh": zh},
                why={"en": "Without it nobody can interpret the joints.", "zh": "缺少它，他人无法解释关节数据。"},
                fix={"en": "Name the URDF in robot.json.", "zh": "在 robot.json 中写明 URDF。"},
                severity="error",
                level=level,
                overridable=False,
                checks=(check,),
            )
        )
    return {rule.rule_id: rule for rule in rules}


def findings() -> tuple[Finding, ...]:
    second = START_NS + 30 * NS
    lost = [
        Finding(
            "TM-07",
            "error",
            "failed",
            "L2",
            Place(EPISODES[1], stream="/cam_front", start_ns=second + at, end_ns=second + at + 330_000_000),
            0.0617 + at / NS / 1000,
            0.05,
            "max",
            "1",
            measure="lost_ratio",
        )
        for at in (12_310_000_000, 14_000_000_000, 15_500_000_000)
    ]
    return (
        *lost,
        Finding(
            "TM-08",
            "error",
            "failed",
            "L2",
            Place(EPISODES[2], stream="/wrench", start_ns=second + 33 * NS, end_ns=second + 34 * NS + 500_000_000),
            1_500_000_000,
            1_000_000_000,
            "max",
            "ns",
        ),
        Finding(
            "TM-06",
            "error",
            "failed",
            "L3",
            Place(EPISODES[1], stream="/cam_front"),
            0.1234,
            0.1,
            "max",
            "1",
            measure="jitter_ratio",
        ),
        Finding("SR-10", "error", "failed", "L3", Place(EPISODES[1], stream="/cam_front"), 28.1, 29.0, "min", "Hz"),
        Finding(
            "KN-01",
            "error",
            "undetermined",
            "L2",
            Place(path="robots/arm/robot.json", pointer="/urdf_uri"),
            reason="robot.json names no URDF",
        ),
        Finding("KN-14", "error", "undetermined", "L2", Place(EPISODES[0]), reason="cadence is not known"),
        Finding("SM-01", "error", "undetermined", "L2", Place(EPISODES[0]), reason="cadence is not known"),
        *(
            Finding(
                "VS-06",
                "warning",
                "failed",
                "L2",
                Place(item, stream="/cam_front"),
                0.23,
                0.2,
                "max",
                "1",
                measure="clipped_ratio_p95",
            )
            for item in EPISODES[:2]
        ),
        Finding(
            "TM-07",
            "error",
            "failed",
            "L2",
            Place(EPISODES[3], stream="/cam_wrist"),
            0.4,
            0.05,
            "max",
            "1",
            measure="lost_ratio",
        ),
    )


def outcomes(rules: Mapping[str, Rule], found: tuple[Finding, ...]) -> Outcomes:
    result = []
    for rule in rules.values():
        for scope in EPISODES:
            states: dict[Level, State] = {}
            for level in LEVELS[LEVELS.index(rule.level) :]:
                hits = [
                    item.state
                    for item in found
                    if item.rule_id == rule.rule_id
                    and item.place.episode in {scope, ""}
                    and LEVELS.index(item.level) <= LEVELS.index(level)
                ]
                states[level] = "failed" if "failed" in hits else "undetermined" if hits else "passed"
            result.append(Outcome(rule.rule_id, scope, rule.severity, states, 9))
    return outcomes_of(sorted(result, key=lambda item: (item.scope, item.rule_id)))


def bad_report() -> Report:
    rules, found = rulebook(), findings()
    return Report(
        subject="demo_ds",
        subject_kind="dataset",
        profile="sim-preview@0.1",
        findings=found,
        outcomes=outcomes(rules, found),
        level="L1",
        levels={"dataset": "L1", EPISODES[0]: "L2", EPISODES[1]: "L1", EPISODES[2]: "L1"},
        excluded={EPISODES[3]: "camera dropped frames"},
        coverage={
            "seen": 23,
            "opened": 21,
            "decoded": 12,
            "sampled": 0,
            "ignored": 2,
            "episodes": 4,
            "depths": ["full"],
            "not_seen_n": 2,
            "not_seen": [
                {"episode": EPISODES[0], "path": "episodes/x/data_000.mcap#/rosout", "reason": "type is not decoded"},
                {"episode": EPISODES[1], "path": "episodes/y/data_000.mcap#/rosout", "reason": "type is not decoded"},
            ],
        },
        digests={"facts": "a" * 64, "profile": "b" * 64},
        title={"en": "Demo", "zh": "演示"},
    )


def limited_report() -> Report:
    """The bad report with waivers, skipped checks, a sample and a choice of rules."""
    waived = Finding(
        "VS-06", "warning", "failed", "L2", Place(EPISODES[2], stream="/cam_front"), 0.31, 0.2, "max", "1",
        measure="clipped_ratio_p95",
    )  # fmt: skip
    lamp = Waiver("VS-06", "Lamp in view by intent.", "lab lead", "2027-01-31", stream="/cam_*")
    uses = (
        WaiverUse(lamp, "used", 1, broad=True),
        WaiverUse(replace(lamp, rule_id="TM-06", stream="", episode=EPISODES[0]), "unused"),
        WaiverUse(replace(lamp, rule_id="CT-07"), "refused"),
    )
    places = tuple(Place(item, path=f"episodes/{item}/data_000.mcap") for item in EPISODES[:3])
    reason = "the file ends before its data do"
    skipped = (
        Skipped("TM-07", reason, ("KN-14", "SM-01"), "L2", places, 7),
        Skipped("", reason, ("VS-06",), "L3", (), 0),
    )
    return replace(
        bad_report(), waived=(waived,), waivers=uses, skipped=skipped, partial=True, selection="TM,VS", level=None
    )


def clean_report() -> Report:
    rules = rulebook()
    return Report(
        subject="clean",
        subject_kind="dataset",
        profile="sim-preview@0.1",
        findings=(),
        outcomes=outcomes(rules, ()),
        level="L4",
        levels={"dataset": "L4"},
        coverage={
            "seen": 3,
            "opened": 3,
            "decoded": 3,
            "sampled": 0,
            "ignored": 0,
            "depths": ["full"],
            "not_seen_n": 0,
        },
    )


def subject() -> SubjectInfo:
    return SubjectInfo(
        name="demo_ds",
        episodes_n=4,
        duration_s=72.4,
        episodes=tuple(
            EpisodeInfo(item, START_NS + 30 * NS * index, 18.1 + index, "pick_place", "success" if index else "failure")
            for index, item in enumerate(EPISODES)
        ),
        title={"en": "Simulated pick and place", "zh": "仿真抓取与放置"},
        report_path="demo_ds.report.html",
        judged_at="2026-11-24T10:00:00Z",
        tool="embodied-kit 0.1.0",
    )


def jpeg(shade: int, width: int = 160, height: int = 120) -> bytes:
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([(x + shade) % 256, (y * 2) % 256, (x + y + shade * 3) % 256], axis=-1).astype(np.uint8)
    return simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=80, colorspace="RGB")


def view(
    episode: str = EPISODES[1], seconds: float = 18.0, *, topic: str = "/cam_front", pictures: bool = True
) -> EpisodeView:
    start = START_NS + 30 * NS
    joint_t = start + np.arange(int(seconds * 500), dtype=np.int64) * 2_000_000
    phase = (joint_t - start) / NS
    series = [
        Series("joint_states", f"joint_{k + 1}", "rad", joint_t, np.sin(phase * 0.7 + k) * (1.6 - 0.2 * k))
        for k in range(6)
    ]
    series.append(Series("joint_states", "gripper", "m", joint_t, 0.02 + 0.02 * np.sign(np.sin(phase * 0.5))))
    camera = start + (np.arange(int(seconds * 30)) * NS / 30).astype(np.int64)
    lost = (camera > start + 12.31 * NS) & (camera < start + 12.64 * NS)
    jitter = np.random.default_rng(7).normal(0, 400_000, len(camera)).astype(np.int64)
    wrench = start + np.arange(int(seconds * 1000), dtype=np.int64) * 1_000_000
    rates = [
        Rate("joint_states", "/joint_states", 500.0, joint_t),
        Rate("cam_front", topic, 30.0, (camera + jitter)[~lost]),
        Rate("wrench", "/wrench", 1000.0, wrench),
        Rate("tf", "/tf", None, joint_t[::10]),
    ]
    pose_t, turn = joint_t[::5], phase[::5]
    points = np.column_stack(
        [0.4 + 0.15 * np.sin(turn * 0.7), 0.2 * np.cos(turn * 0.9), 0.25 + 0.1 * np.sin(turn * 1.3)]
    )
    frames = [(start + round(seconds * NS * k / 8), jpeg(k * 20)) for k in range(8)]
    return EpisodeView(
        episode_id=episode,
        title="pick_place",
        start_ns=start,
        end_ns=start + round(seconds * NS),
        series=tuple(series),
        rates=tuple(rates),
        strips=(Strip("cam_front", topic, tuple(frames)), Strip("cam_wrist", "/cam_wrist", tuple(frames)))
        if pictures
        else (),
        paths=(Path3("ee_pose", "/ee_pose", "base_link", pose_t, points),),
        spans=(
            Span("cam_front", "gap", start + 12_310_000_000, start + 12_640_000_000),
            Span("joint_states", "stuck", start + 5 * NS, start + 7 * NS),
            Span("ee_pose", "gap", start + 8 * NS, start + 9 * NS),
        ),
        pictures="simulated" if pictures else "undeclared",
    )


def hostile_page() -> str:
    place = Place(EPISODES[0], path=HOSTILE, pointer=HOSTILE, stream=HOSTILE, target=HOSTILE)
    finding = Finding("TM-08", "error", "undetermined", "L2", place, reason=HOSTILE)
    report = replace(
        bad_report(),
        findings=(finding,),
        excluded={HOSTILE: HOSTILE},
        profile=HOSTILE,
        coverage={"seen": 1, "not_seen": [{"episode": HOSTILE, "path": HOSTILE, "reason": HOSTILE}]},
        digests={HOSTILE: HOSTILE},
    )
    drawn = replace(view(topic=HOSTILE), title=HOSTILE, episode_id=HOSTILE, notes=(HOSTILE,))
    named = tuple(replace(series, name=HOSTILE, stream=HOSTILE, unit=HOSTILE) for series in drawn.series)
    info = replace(subject(), name=HOSTILE, title={"en": HOSTILE, "zh": HOSTILE}, tool=HOSTILE)
    return render_html(report, rulebook(), [replace(drawn, series=named)], info, "en")
