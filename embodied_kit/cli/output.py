"""Where a verb may write, looked at before any work is done or anything destroyed; and writing what was asked for."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import DATASET_JSON, write_whole
from embodied_kit.errors import UsageError


def require_output(output: Path | None, subject: Path) -> None:
    """Refuse an output path that cannot be written to, or that belongs to what is measured.

    Args:
        output: The file to be written; None for the terminal.
        subject: Dataset, episode, bag or file that is measured.

    Raises:
        UsageError: Its folder does not exist, it is no plain file, or it lies in the subject or in any dataset.
    """
    if output is None:
        return
    if not output.parent.is_dir():
        folder = shlex.quote(str(output.parent))
        raise UsageError(
            f"expected a folder that exists, got {output.parent}", remedy=f"make it first: mkdir -p {folder}"
        )
    if output.exists() and not output.is_file():
        raise UsageError(
            f"expected a new or plain file as output, got {output}",
            remedy="name another, or leave out -o to write to the terminal",
        )
    _require_apart(output, subject)


def require_store(output: Path | None, subject: Path) -> Path:
    """The folder of a Parquet store, refused like an output file where it cannot be written or belongs to the data.

    Args:
        output: As it was given.
        subject: Dataset, episode, bag or file that is measured.

    Raises:
        UsageError: It was not given, its parent does not exist, it is no folder, or it lies in the data.
    """
    if output is None:
        raise UsageError("expected a folder for the Parquet files, got none", remedy="add -o DIR")
    if not output.parent.is_dir():
        folder = shlex.quote(str(output.parent))
        raise UsageError(
            f"expected a folder that exists, got {output.parent}", remedy=f"make it first: mkdir -p {folder}"
        )
    if output.exists() and not output.is_dir():
        raise UsageError(f"expected a new folder or an earlier store, got {output}", remedy="name another")
    _require_apart(output, subject)
    return output


def write_report(data: bytes, output: Path | None, texts: Texts, *, said: str = "") -> None:
    """Write what was made to a file and say so, or to the terminal.

    Args:
        data: What was made.
        output: File to write; None for the terminal.
        texts: Language.
        said: What to say of a file; empty for where the report lies.

    Raises:
        OSError: It cannot be written.
    """
    if output is None:
        sys.stdout.buffer.write(data)
        return
    write_whole(output, data)
    click.echo(said or texts(f"report: {output}", f"报告：{output}"))


def _require_apart(output: Path, subject: Path) -> None:
    place, judged = (Path(os.path.realpath(path)) for path in (output, subject))  # resolve() fails over link circles
    in_dataset = any((parent / DATASET_JSON).is_file() for parent in place.parents)
    if in_dataset or place.is_relative_to(judged):
        raise UsageError(
            f"expected an output apart from the data, got {output}", remedy="name a file outside of any dataset"
        )
