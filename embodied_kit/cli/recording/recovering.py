"""What became of unfinished takes, in one line each: for `recover`, and for `record` before it begins."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.failure import failure_of
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset

if TYPE_CHECKING:
    from embodied_kit.episode.recovery import Rescue

_REASONS: Mapping[str, tuple[str, str]] = {
    "no_message": ("no message was on disk yet", "磁盘上尚无消息"),
    "no_capture": ("its capture.json cannot be read", "无法读取其 capture.json"),
    "no_data": ("it has no data file", "没有数据文件"),
    "import": ("an import that did not end: import it again", "导入未完成：请重新导入"),
    "other_id": ("its capture.json is of another episode", "其 capture.json 属于另一片段"),
}


def recover_dataset(dataset: Dataset, texts: Texts) -> Sequence[Rescue]:
    """Bring back what an earlier recorder left unfinished, and say it."""
    from embodied_kit.episode.recovery import recover_takes  # noqa: PLC0415  # heavy

    rescues = recover_takes(dataset, time.time_ns())
    for rescue in rescues:
        click.echo(f"{rescue.episode_id}  {what_became(rescue, texts)}", err=rescue.kind == "failed")
        if rescue.original is not None:
            megabytes = f"{rescue.original_bytes / 1e6:.1f} MB"
            click.echo(
                texts(
                    f"  the original ({megabytes}) is kept in {rescue.original}; remove it when you no longer need it",
                    f"  原件（{megabytes}）保留在 {rescue.original}；不再需要时可自行删除",
                )
            )
    return rescues


def what_became(rescue: Rescue, texts: Texts) -> str:
    """Of a take, in one line that does not name it."""
    count = rescue.messages_n
    if rescue.kind == "finished":
        return texts(f"was whole, and is finished now: {count} messages", f"数据完整，已补全收尾：{count} 条消息")
    if rescue.kind == "recovered":
        return texts(f"recovered: {count} messages", f"已恢复：{count} 条消息") + _lost(rescue, texts)
    if rescue.kind == "set_aside":
        return texts("set aside: ", "已移出：") + texts(*_REASONS[rescue.reason])
    if rescue.error is not None:
        failure = failure_of(rescue.error, texts)
        return texts("not recovered: ", "未能恢复：") + f"{failure.message} -> {failure.remedy}"
    return texts("is being recorded, and is left alone", "正在采集，不作处理")


def _lost(rescue: Rescue, texts: Texts) -> str:
    loss = rescue.loss
    if loss is None:
        return ""
    missing = (
        texts("what came within about 1 s before the end may be missing", "结束前约 1 秒内的数据可能缺失")
        if loss.missing_n is None
        else texts(f"{loss.missing_n} messages missing", f"缺失 {loss.missing_n} 条消息")
    )
    return texts(
        f"; cut: {loss.cut_bytes} bytes, {loss.damaged_n} damaged messages; {missing}",
        f"；截去 {loss.cut_bytes} 字节、损坏的消息 {loss.damaged_n} 条；{missing}",
    )
