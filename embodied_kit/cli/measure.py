"""`measure`: facts as canonical JSON Lines or as Parquet."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from embodied_kit.cli.options import (
    depth_option,
    example,
    format_option,
    measuring_options,
    output_option,
    path_argument,
    verb,
)
from embodied_kit.cli.output import require_output, require_store
from embodied_kit.cli.texts import Texts
from embodied_kit.model.engine import EngineName
from embodied_kit.model.facts import Depth, Facts


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(
        path: Path,
        depth: Depth,
        output_format: str,
        output: Path | None,
        engine: EngineName,
        jobs: int | None,
        sample: int | None,
        seed: int,
    ) -> int:
        from embodied_kit.cli.measuring import Measuring, measured_each  # noqa: PLC0415  # heavy

        parquet = output_format == "parquet"
        if parquet:
            require_store(output, path)
        else:
            require_output(output, path)
        how = Measuring(engine, jobs, sample, seed)
        counted = _Counted(measured_each(path, depth, texts, how, trust_index=True))
        _write(counted, output, parquet=parquet)
        if output is not None:
            rows, units = counted.rows_n, counted.units_n
            said = texts(f"{rows} facts of {units} units -> {output}", f"{units} 个单元共 {rows} 行事实 -> {output}")
            click.echo(said)
        return 0

    return verb(
        "measure",
        run,
        params=[
            path_argument("path"),
            depth_option(texts),
            format_option(
                texts,
                ("jsonl", "parquet"),
                "jsonl: canonical lines, as they are signed; parquet: a folder with a file per table.",
                "jsonl：规范行，即签名所用形式；parquet：每张表一个文件的文件夹。",
            ),
            output_option(texts, "File or folder to write.", "输出文件或文件夹。"),
            *measuring_options(texts),
        ],
        help_text=example(
            texts,
            "Measure a dataset, an episode, an MCAP file or a rosbag2 folder.",
            "测量数据集、片段、MCAP 文件或 rosbag2 文件夹。",
            "embodied-kit measure my_ds --depth signal -o facts.jsonl",
            "embodied-kit measure s3://bucket/my_ds --format parquet -o facts",
        ),
    )


def _write(facts: Iterable[Facts], output: Path | None, *, parquet: bool) -> None:
    from embodied_kit.episode.layout import write_whole  # noqa: PLC0415  # heavy
    from embodied_kit.measure import spooled_lines  # noqa: PLC0415

    if output is None:
        sys.stdout.buffer.writelines(spooled_lines(facts))
    elif parquet:
        from embodied_kit.measure.kept.parquet import write_parquet  # noqa: PLC0415

        write_parquet(facts, output)
    else:
        write_whole(output, spooled_lines(facts))


class _Counted:
    """Facts on their way, and how many they were.

    Args:
        facts: Iterated once.
    """

    def __init__(self, facts: Iterable[Facts]) -> None:
        self._facts = facts
        self.units_n = self.rows_n = 0

    def __iter__(self) -> Iterator[Facts]:
        for unit in self._facts:
            self.units_n += 1
            self.rows_n += 1 + sum(len(rows) for rows in unit.tables.values())  # its head line too
            yield unit
