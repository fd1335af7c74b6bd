"""`report show` and `report diff`: stored reports, shown again and held against each other."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.options import REPORT_FORMATS, example, path_argument, path_option, verb, verbs
from embodied_kit.cli.output import require_output
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import DataError

if TYPE_CHECKING:
    from embodied_kit.model.rule import Rule
    from embodied_validators.report import FormatName, Stored
    from embodied_validators.report.diff import DiffFormat

DIFF_FORMATS = ("text", "json", "markdown")


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("report", texts("Reports that were kept.", "已保存的报告。"), [_show(texts), _diff(texts)])


def _show(texts: Texts) -> click.Command:
    def run(path: Path, output_format: FormatName, output: Path | None) -> int:
        from embodied_validators.report import FORMATS, Request  # noqa: PLC0415  # arrows

        require_output(output, path)
        colour, width = output is None and sys.stdout.isatty(), shutil.get_terminal_size().columns
        shown = b"".join(
            FORMATS[output_format](
                Request(
                    stored.report,
                    _rules(stored.report.profile),
                    stored.info,
                    texts.language,
                    width=width,
                    colour=colour,
                )
            )
            for stored in _single(_read(path), output_format)
        )
        return _write(shown, output, texts)

    return verb(
        "show",
        run,
        params=[
            path_argument("path"),
            _format_option(texts, REPORT_FORMATS),
            path_option("-o", "--output", help_text=texts("File to write.", "输出文件。")),
        ],
        help_text=example(
            texts,
            "Show a report of `validate --format jsonl`, or the report.jsonl of an attestation, in another form."
            " Neither data nor facts are needed; plots and pictures are left out.",
            "以其他形式展示 `validate --format jsonl` 的报告或符合性声明中的 report.jsonl；"
            "无需数据与事实表，不含曲线与画面。",
            "embodied-kit report show report.jsonl",
            "embodied-kit report show report.jsonl --format html -o report.html",
        ),
    )


def _diff(texts: Texts) -> click.Command:
    def run(before: Path, after: Path, output_format: DiffFormat, output: Path | None) -> int:
        from embodied_validators.report.diff import DIFF_FORMATS, DiffRequest, compare, exit_code  # noqa: PLC0415

        require_output(output, after)
        asked = [
            DiffRequest(old, new, compare(old.report, new.report), _rules(new.report.profile), texts.language)
            for old, new in _paired(_read(before), _read(after))
        ]
        shown = b"".join(DIFF_FORMATS[output_format](request) for request in asked)
        _write(shown, output, texts)
        return exit_code(request.difference for request in asked)

    return verb(
        "diff",
        run,
        params=[
            path_argument("before"),
            path_argument("after"),
            _format_option(texts, DIFF_FORMATS),
            path_option("-o", "--output", help_text=texts("File to write.", "输出文件。")),
        ],
        help_text=example(
            texts,
            "Compare two reports of `validate --format jsonl`. Exit code: 0 no worse, 1 worse (a level fell, or an"
            " error rule fails anew), 3 less is known than before.",
            "比较两份 `validate --format jsonl` 的报告。退出码：0 未变差，1 变差（级别下降，或新有错误级规则不通过），"
            "3 所知少于之前。",
            "embodied-kit report diff before.jsonl after.jsonl",
        ),
    )


def _format_option(texts: Texts, choices: Sequence[str]) -> click.Option:
    return click.Option(
        ["--format", "output_format"],
        type=click.Choice(choices),
        default="text",
        show_default=True,
        help=texts("Form of the report.", "报告形式。"),
    )


def _read(path: Path) -> list[Stored]:
    from embodied_validators.report import read_reports  # noqa: PLC0415

    with path.open("rb") as lines:
        return list(read_reports(lines))


def _rules(profile: str) -> dict[str, Rule]:
    """The rulebook, with the rules as the report's profile has them where it is at hand."""
    from embodied_kit.errors import UsageError  # noqa: PLC0415
    from embodied_validators.profiles import load_profile  # noqa: PLC0415
    from embodied_validators.rulebook import load_rulebook  # noqa: PLC0415

    try:
        own = load_profile(profile).rules
    except UsageError:  # a profile of somebody else: the rules as this program has them
        own = ()
    return {**load_rulebook().rules, **{rule.rule_id: rule for rule in own}}


def _single(stored: list[Stored], form: FormatName) -> list[Stored]:
    """The reports; several only where the form can hold them.

    Raises:
        DataError: The form holds one document.
    """
    if len(stored) > 1 and form not in {"text", "jsonl", "markdown"}:
        raise DataError(
            f"expected one report for {form}, got {len(stored)}",
            remedy="choose text, markdown or jsonl, or keep each report in a file of its own",
        )
    return stored


def _paired(before: list[Stored], after: list[Stored]) -> list[tuple[Stored, Stored]]:
    """Each report with the later one of the same subject; a single one with a single one.

    Raises:
        DataError: A subject is in only one of the files, or twice in one.
    """
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    old, new = ({item.report.subject: item for item in stored} for stored in (before, after))
    subjects = [item.report.subject for item in (*before, *after)]
    whole = {subject for subject in old.keys() & new.keys() if subjects.count(subject) == 2}  # once each
    wrong = [subject for subject in dict.fromkeys(subjects) if subject not in whole]
    if wrong:
        raise DataError(f"expected reports of the same subjects, once each, got {', '.join(wrong)}")
    return [(old[subject], new[subject]) for subject in old]


def _write(data: bytes, output: Path | None, texts: Texts) -> int:
    from embodied_kit.episode.layout import write_whole  # noqa: PLC0415

    if output is None:
        sys.stdout.buffer.write(data)
    else:
        write_whole(output, data)
        click.echo(texts(f"report: {output}", f"报告：{output}"))
    return 0
