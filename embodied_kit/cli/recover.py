"""`recover`: what is whole in a damaged MCAP file, as a new one."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.options import example, output_option, path_argument, verb
from embodied_kit.cli.texts import Texts


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(path: Path, output: Path | None) -> int:
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

    return verb(
        "recover",
        run,
        params=[
            path_argument("path"),
            output_option(texts, "New file.", "新文件。"),
        ],
        help_text=example(
            texts,
            "Write what is whole in a damaged or unfinished MCAP file into a new one, index and summary made anew.",
            "把损坏或未写完的 MCAP 文件中完整的部分写入新文件，并重建索引与摘要。",
            "embodied-kit recover data_000.mcap.partial -o data_000.mcap",
        ),
    )
