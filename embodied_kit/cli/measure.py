"""`measure`: facts as canonical JSON Lines."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from embodied_kit.cli.options import depth_option, example, path_argument, path_option, verb
from embodied_kit.cli.output import require_output
from embodied_kit.cli.texts import Texts
from embodied_kit.model.facts import Depth


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(path: Path, depth: Depth, output: Path | None) -> int:
        from embodied_kit.cli.judging import measured  # noqa: PLC0415  # heavy
        from embodied_kit.episode.layout import write_whole  # noqa: PLC0415
        from embodied_kit.measure import facts_lines  # noqa: PLC0415

        require_output(output, path)
        facts = measured(path, depth, texts, trust_index=True)
        data = b"".join(facts_lines(facts))
        if output is None:
            sys.stdout.buffer.write(data)
            return 0
        write_whole(output, data)
        rows = data.count(b"\n")
        click.echo(
            texts(f"{rows} facts of {len(facts)} units -> {output}", f"{len(facts)} 个单元共 {rows} 行事实 -> {output}")
        )
        return 0

    return verb(
        "measure",
        run,
        params=[
            path_argument("path"),
            depth_option(texts),
            path_option("-o", "--output", help_text=texts("File to write.", "输出文件。")),
        ],
        help_text=example(
            texts,
            "Measure a dataset, an episode, an MCAP file or a rosbag2 folder.",
            "测量数据集、片段、MCAP 文件或 rosbag2 文件夹。",
            "embodied-kit measure my_ds --depth signal -o facts.jsonl",
        ),
    )
