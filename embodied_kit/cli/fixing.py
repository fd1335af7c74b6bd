"""`validate --fix`: safe repairs of documents, shown as a diff; `--write` writes them before the dataset is judged."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.texts import Texts


def fix_options(texts: Texts) -> list[click.Parameter]:
    """`--fix` and `--write`."""
    return [
        click.Option(
            ["--fix"],
            is_flag=True,
            help=texts(
                "Show what can be derived in the documents of an open dataset, as a diff; recordings stay as they are.",
                "以差异形式显示未封存数据集的文档中可推导修复之处；录制文件保持不变。",
            ),
        ),
        click.Option(
            ["--write"],
            is_flag=True,
            help=texts("Write what --fix shows, then judge.", "写入 --fix 所示的修复，然后校验。"),
        ),
    ]


def fix_documents(path: Path, texts: Texts, *, write: bool, to_stdout: bool) -> None:
    """Show the repairs of a dataset, and write them where that is asked for.

    Args:
        path: A dataset folder.
        texts: Language.
        write: Whether to write them.
        to_stdout: Where they are shown; on the other stream where the report has this one for itself.

    Raises:
        UsageError: It is no dataset folder, or one that is sealed or attested.
    """
    from embodied_validators.fix import fixes_text, plan_fixes, write_fixes  # noqa: PLC0415  # arrows

    planned = plan_fixes(path)
    if write:
        write_fixes(path, planned)
    click.echo(fixes_text(planned, texts.language, written=write), nl=False, err=not to_stdout)
