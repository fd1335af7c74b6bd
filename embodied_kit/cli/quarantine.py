"""`dataset discard` and `dataset restore`: takes out of the dataset and back, nothing deleted."""

from __future__ import annotations

import time
from pathlib import Path

import click

from embodied_kit.cli.options import example, path_argument, text_option, verb
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset


def discard_command(texts: Texts) -> click.Command:
    """`dataset discard`."""

    def run(directory: Path, episode: str, reason: str) -> int:
        from embodied_kit.episode.quarantine import discard  # noqa: PLC0415  # --help needs none of it

        dataset = Dataset.open(directory)
        episode_id = dataset.find_episode(episode)
        target = discard(dataset, episode_id, reason, time.time_ns())
        click.echo(texts(f"discarded {episode_id}: {reason}", f"已隔离 {episode_id}：{reason}"))
        click.echo(texts(f"It is in {target}; back:", f"位于 {target}；恢复：") + _restore(directory, episode_id))
        return 0

    return verb(
        "discard",
        run,
        params=[
            path_argument("directory"),
            click.Argument(["episode"]),
            text_option("--reason", required=True, help_text=texts("Why; it stays here.", "原因（不会公开）。")),
        ],
        help_text=example(
            texts,
            "Move an episode into quarantine (.embodied/quarantine), with the reason. EPISODE: an end of its id.",
            "将片段移入隔离区（.embodied/quarantine），并注明原因。EPISODE：标识的开头或结尾。",
            "embodied-kit dataset discard my_ds 0192f0c1 --reason 'gripper slipped'",
        ),
    )


def restore_command(texts: Texts) -> click.Command:
    """`dataset restore`."""

    def run(directory: Path, episode: str) -> int:
        from embodied_kit.episode.quarantine import quarantined, restore  # noqa: PLC0415

        dataset = Dataset.open(directory)
        if episode:
            click.echo(texts("brought back: ", "已恢复：") + str(restore(dataset, episode, time.time_ns())))
            return 0
        found = quarantined(dataset)
        for one in found:
            click.echo(f"{one.episode_id}  {one.discarded_at}  {one.reason}")
        if found:
            click.echo(texts("One comes back by:", "恢复其中之一：") + _restore(directory, found[-1].episode_id))
        else:
            click.echo(texts("nothing is in quarantine", "隔离区为空"))
        return 0

    return verb(
        "restore",
        run,
        params=[path_argument("directory"), click.Argument(["episode"], required=False, default="")],
        help_text=example(
            texts,
            "Bring a discarded episode back; without EPISODE, list what is in quarantine.",
            "恢复被隔离的片段；不给出 EPISODE 时列出隔离区。",
            "embodied-kit dataset restore my_ds 0192f0c1-8a3b-7c1d-9e2f-0123456789ab",
        ),
    )


def _restore(directory: Path, episode_id: str) -> str:
    return f" embodied-kit dataset restore {directory} {episode_id}"
