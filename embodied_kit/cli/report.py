"""`report show` and `report diff`: stored reports, shown again and held against each other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.options import REPORT_FORMATS, example, format_option, output_option, path_argument, verb, verbs
from embodied_kit.cli.output import require_output, write_report
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
        write_report(shown, output, texts)
        return 0

    return verb(
        "show",
        run,
        params=[
            path_argument("path"),
            format_option(texts, REPORT_FORMATS),
            output_option(texts),
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
        write_report(shown, output, texts)
        return exit_code(request.difference for request in asked)

    return verb(
        "diff",
        run,
        params=[
            path_argument("before"),
            path_argument("after"),
            format_option(texts, DIFF_FORMATS),
            output_option(texts),
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
