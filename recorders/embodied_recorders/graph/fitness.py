"""Ways for a stream to be unfit, each with what to do about it; preflight and the watch while recording share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.language import Texts
from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Endpoint, Qos, Stream


@dataclass(frozen=True)
class Problem:
    """One way for a stream to be unfit: what is seen and what to do, language -> text."""

    text: Texts
    remedy: Texts


ABSENT = Problem(
    {"en": "no publisher", "zh": "没有发布者"},
    {"en": "start its node, or set `required: false`", "zh": "启动对应节点，或设 `required: false`"},
)
WRONG_TYPE = Problem(
    {"en": "another type: {found}", "zh": "类型不符：{found}"},
    {"en": "correct ros_type in the contract", "zh": "更正约定中的 ros_type"},
)
WRONG_HASH = Problem(
    {"en": "another definition hash: {found}", "zh": "定义摘要不符：{found}"},
    {"en": "draft the contract anew: embodied-kit contract init", "zh": "重新生成约定：embodied-kit contract init"},
)
NOT_SOURCED = Problem(
    {"en": "cannot be received: {found}", "zh": "无法接收：{found}"},
    {"en": "source its package, or use --transport dds", "zh": "加载对应功能包，或使用 --transport dds"},
)
NOT_LATCHED = Problem(
    {
        "en": "QoS durability: {found} of {n} publishers offer volatile, a latched stream needs transient_local",
        "zh": "QoS durability：{n} 个发布者中有 {found} 个为 volatile，锁存流须为 transient_local",
    },
    {
        "en": "publish with durability transient_local, or declare another cadence",
        "zh": "以 durability transient_local 发布，或声明其他节拍",
    },
)
UNMATCHED = Problem(
    {
        "en": "QoS {policy}: {found} of {n} publishers matched",
        "zh": "QoS {policy}：{n} 个发布者中仅 {found} 个匹配",
    },
    {
        "en": "give all publishers of the topic one QoS, then start the recorder again",
        "zh": "让该话题的所有发布者使用同一 QoS，然后重新启动采集",
    },
)
MIXED_RELIABILITY = Problem(
    {
        "en": "QoS reliability: {found} of {n} publishers are best_effort, so all are received without repair",
        "zh": "QoS reliability：{n} 个发布者中有 {found} 个为 best_effort，全部按不重传接收",
    },
    {"en": "let every publisher of the topic be reliable", "zh": "让该话题的所有发布者都使用 reliable"},
)
NO_DEFINITION = Problem(
    {"en": "no definition of {found} is known", "zh": "找不到 {found} 的消息定义"},
    {"en": "give the folder of its .msg files: --msgs FOLDER", "zh": "给出其 .msg 文件所在文件夹：--msgs 文件夹"},
)
STAMP_ZERO = Problem(
    {"en": "its header stamp is 0", "zh": "消息头时间戳为 0"},
    {
        "en": "let the node stamp its messages; under sim time, see that /clock runs",
        "zh": "让节点填写时间戳；使用仿真时间时确认 /clock 在发布",
    },
)
STAMP_FAR = Problem(
    {"en": "its header stamp is {found:+.1f} s from now", "zh": "消息头时间戳与当前相差 {found:+.1f} s"},
    {
        "en": "synchronise the clocks (PTP, chrony), or declare its clock_id",
        "zh": "同步时钟（PTP、chrony），或声明其 clock_id",
    },
)
SILENT = Problem(
    {"en": "publisher there, no message arrived", "zh": "有发布者，但没有收到消息"},
    {"en": "check the sensor, its QoS and the network", "zh": "检查传感器、QoS 与网络"},
)
OFF_RATE = Problem(
    {"en": "{found:.4g} Hz, contract says {wanted:.4g} Hz", "zh": "实测 {found:.4g} Hz，约定 {wanted:.4g} Hz"},
    {"en": "mend the sensor's rate or declare the true one", "zh": "修正传感器频率，或声明真实频率"},
)


def filled(problem: Problem, **values: str | float) -> Texts:
    """A problem's text with what was seen."""
    return {language: template.format(**values) for language, template in problem.text.items()}


def declared_hashes(contract: Contract) -> dict[str, str]:
    """Type hashes that a contract asks for, by topic."""
    streams = contract.document.get("streams")
    entries = streams if isinstance(streams, Sequence) and not isinstance(streams, str) else ()
    return {
        str(entry["topic"]): str(entry["type_hash"])
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("type_hash")
    }


def endpoints_fault(
    stream: Stream, group: Sequence[Endpoint], declared_hash: str | None
) -> tuple[Problem, dict[str, str | float]] | None:
    """What the publishers of a stream announce that does not fit it, and what was seen; None where all fits."""
    types = {one.ros_type for one in group}
    hashes = {one.type_hash for one in group if one.type_hash}
    volatile_n = sum(one.qos.durability == "volatile" for one in group)
    if types - {stream.ros_type}:
        return WRONG_TYPE, {"found": ", ".join(sorted(types))}
    if (declared_hash and hashes - {declared_hash}) or len(hashes) > 1:
        return WRONG_HASH, {"found": ", ".join(sorted(hashes))}
    if stream.cadence == "latched" and volatile_n:
        return NOT_LATCHED, {"found": volatile_n, "n": len(group)}
    return None


def endpoints_problem(stream: Stream, group: Sequence[Endpoint], declared_hash: str | None) -> Texts | None:
    """As `endpoints_fault`, in words."""
    fault = endpoints_fault(stream, group, declared_hash)
    return None if fault is None else filled(fault[0], **fault[1])


def unmatched(asked: Qos, group: Sequence[Endpoint], matched_n: int) -> Texts:
    """Why not all publishers of a topic match a subscription."""
    return filled(UNMATCHED, policy=policies(asked, group), found=matched_n, n=len(group))


def policies(asked: Qos, group: Sequence[Endpoint]) -> str:
    """QoS policies by which some publishers do not match what is asked for; a question mark where none tells it."""
    kept_apart = {
        "reliability": asked.reliability == "reliable" and any(e.qos.reliability == "best_effort" for e in group),
        "durability": asked.durability == "transient_local" and any(e.qos.durability == "volatile" for e in group),
    }
    return ", ".join(name for name, apart in kept_apart.items() if apart) or "?"
