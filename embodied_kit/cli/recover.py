"""`recover`: unfinished takes of a dataset, or what is whole in a damaged MCAP file as a new one."""

from __future__ import annotations

import time
from pathlib import Path

import click

from embodied_kit.cli.options import example, output_option, path_argument, verb
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset
from embodied_kit.errors import UsageError

_EXIT_DATA = 1


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(path: Path, output: Path | None) -> int:
        if not path.is_dir():
            return _one_file(path, output, texts)
        if output is not None:
            raise UsageError("expected -o with one MCAP file, got a folder", remedy=f"embodied-kit recover {path}")
        return _dataset(Dataset.open(path), texts)

    return verb(
        "recover",
        run,
        params=[
            path_argument("path"),
            output_option(texts, "New file, where PATH is one MCAP file.", "新文件（PATH 为单个 MCAP 文件时）。"),
        ],
        help_text=example(
            texts,
            "Bring back the takes of a dataset that a kill or a power cut left unfinished; of one damaged MCAP file, "
            "write what is whole into a new one.",
            "恢复数据集中因进程被杀或断电而未完成的采集；若为单个损坏的 MCAP 文件，则将其完整部分写入新文件。",
            "embodied-kit recover my_ds",
            "embodied-kit recover data_000.mcap.partial -o data_000.mcap",
        ),
    )


def _dataset(dataset: Dataset, texts: Texts) -> int:
    """Recover the takes, and judge what came back; the exit code."""
    from embodied_kit.cli.recording.recovering import recover_dataset  # noqa: PLC0415  # heavy

    rescues = recover_dataset(dataset, texts)
    if not rescues:
        click.echo(texts("no take was left unfinished", "没有未完成的采集"))
    for rescue in rescues:
        if rescue.folder is not None:
            click.echo(f"{rescue.episode_id}  {_verdict(dataset, rescue.folder, texts)}")
            click.echo(
                texts("Next: ", "下一步：") + f"embodied-kit validate {rescue.folder}",
            )
    codes = [rescue.error.exit_code for rescue in rescues if rescue.error is not None]
    unread = any(rescue.reason not in {"", "no_message", "no_data"} for rescue in rescues)
    return max([*codes, _EXIT_DATA if unread else 0])


def _verdict(dataset: Dataset, folder: Path, texts: Texts) -> str:
    """The recovered episode's level and the rules that it fails, measured anew."""
    from embodied_kit.cli.recording.take_verdict import judge_take  # noqa: PLC0415  # heavy

    verdict = judge_take(dataset.root, folder, None, time.monotonic(), "full")
    if verdict.problem:
        return texts.of(verdict.problem)
    level = verdict.level or texts("no level", "未达级别")
    failed = ", ".join(line.rule for line in verdict.failed)
    return texts("level: ", "级别：") + level + (texts("; fails ", "；不符合 ") + failed if failed else "")


def _one_file(path: Path, output: Path | None, texts: Texts) -> int:
    from embodied_kit.mcap.recover import recover  # noqa: PLC0415  # heavy

    target = output or path.with_name(f"{path.name.partition('.')[0]}.recovered.mcap")
    found = recover(path, target)
    click.echo(
        texts(
            f"{found.messages_n} messages -> {target}; left out: {found.damaged_messages_n} damaged messages,"
            f" {len(found.attachments_lost)} attachments",
            f"{found.messages_n} 条消息 -> {target}；舍去：损坏的消息 {found.damaged_messages_n} 条，"
            f"附件 {len(found.attachments_lost)} 个",
        )
    )
    click.echo(texts(f"Next: embodied-kit validate {target}", f"下一步：embodied-kit validate {target}"))
    return 0
