"""`doctor`: what this machine lacks, and the one command that mends each."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.options import example, path_option, verb
from embodied_kit.cli.recording.gonogo import EXIT_UNFIT, MARKS
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts, columns, padded


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(directory: Path) -> int:
        from embodied_recorders.graph.machine import check_machine  # noqa: PLC0415  # arrows

        rows = check_machine(directory)
        width = max(columns(texts.of(row.what)) for row in rows)
        for row in rows:
            found = texts.of(row.found)
            found = told(found, texts) if row.state == "fail" else found  # an error's message
            click.echo(f"{MARKS[row.state]}  {padded(texts.of(row.what), width)}  {found}")
            if row.remedy:
                click.echo(f"      -> {told(row.remedy, texts)}")
        return EXIT_UNFIT if any(row.state == "fail" for row in rows) else 0

    return verb(
        "doctor",
        run,
        params=[
            path_option(
                "--at",
                "directory",
                default=".",
                help_text=texts("Folder where data would go.", "数据将写入的文件夹。"),
            )
        ],
        help_text=example(
            texts,
            "Look at Python, extras, transports, socket buffers, domain, disk and clock.",
            "检查 Python、可选组件、传输、套接字缓冲、域号、磁盘与时钟。",
            "embodied-kit doctor",
        ),
    )
