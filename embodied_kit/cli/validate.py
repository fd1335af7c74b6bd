"""`validate`: facts judged under a profile, shown as text, JSON or HTML."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.circumstances import Circumstances, context_options
from embodied_kit.cli.fixing import fix_documents, fix_options
from embodied_kit.cli.options import (
    REPORT_FORMATS,
    depth_option,
    example,
    format_option,
    judging_options,
    measuring_options,
    output_option,
    path_argument,
    verb,
)
from embodied_kit.cli.output import require_output, write_report
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.model.engine import EngineName
from embodied_kit.model.facts import Depth
from embodied_kit.model.rule import LEVELS, Level

if TYPE_CHECKING:
    from embodied_validators.report import FormatName


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(
        path: Path,
        level: Level | None,
        profile: str | None,
        output_format: FormatName,
        output: Path | None,
        depth: Depth,
        images: bool,
        engine: EngineName,
        jobs: int | None,
        sample: int | None,
        seed: int,
        fix: bool,
        write: bool,
        select: str,
        ignore: str,
        waivers: Path | None,
        as_of: str,
        recipient: str,
        purpose: str | None,
        ledger: Path | None,
    ) -> int:
        from embodied_kit.cli.judging import Judging, judged, measured  # noqa: PLC0415  # heavy
        from embodied_kit.cli.measuring import Measuring  # noqa: PLC0415
        from embodied_kit.cli.rendering import Presentation, render  # noqa: PLC0415
        from embodied_kit.measure import subject_of  # noqa: PLC0415
        from embodied_validators.judge import exit_code  # noqa: PLC0415  # arrows

        require_output(output, path)
        if fix or write:
            fix_documents(path, texts, write=write, to_stdout=output is not None or output_format == "text")
        if level is not None and subject_of(path) == "bare":
            raise UsageError(
                f"expected a dataset or an episode for level {level}, got a bare file or bag",
                remedy="leave out --level, or import it into a dataset first",
            )
        context = Circumstances(as_of, recipient, purpose, ledger).context()
        how = Measuring(engine, jobs, sample, seed)
        asked = Judging(profile, select, ignore, waivers)
        result = judged(path, measured(path, depth, texts, trust_index=True, how=how), asked, context=context)
        shown = Presentation(
            form=output_format,
            language=texts.language,
            level=level,
            images=images,
            colour=output is None and sys.stdout.isatty(),
            width=shutil.get_terminal_size().columns,
        )
        data = render(result, path, shown)
        write_report(data, output, texts)
        return exit_code(result.report, level)

    return verb("validate", run, params=_params(texts), help_text=_help(texts))


def _params(texts: Texts) -> list[click.Parameter]:
    return [
        path_argument("path"),
        click.Option(
            ["--level"], type=click.Choice(LEVELS), help=texts("Level that must be reached.", "必须达到的级别。")
        ),
        *judging_options(texts),
        format_option(texts, REPORT_FORMATS),
        output_option(texts),
        depth_option(texts),
        *measuring_options(texts),
        *fix_options(texts),
        *context_options(texts),
        click.Option(
            ["--images"],
            is_flag=True,
            help=texts(
                "Show camera pictures in HTML even where they may hold personal data.",
                "HTML 中展示相机画面（可能含个人信息）。",
            ),
        ),
    ]


def _help(texts: Texts) -> str:
    return example(
        texts,
        "Judge a dataset, an episode, an MCAP file or a rosbag2 folder. Exit code: 0 the level is"
        " reached (without --level: the structure holds), 1 failed, 2 usage, 3 undetermined, 4 environment.",
        "校验数据集、片段、MCAP 文件或 rosbag2 文件夹。退出码：0 达到级别（未指定级别时：结构完好），1 不合格，"
        "2 用法错误，3 无法判定，4 环境不足。",
        "embodied-kit validate my_ds --level L2",
        "embodied-kit validate my_ds --fix",
        "embodied-kit validate take.mcap --format html -o report.html",
    )
