"""`verify`: files and attestation, offline."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from embodied_kit.canonical import pretty_bytes
from embodied_kit.cli.circumstances import ledger_option
from embodied_kit.cli.options import example, format_option, path_argument, path_option, verb
from embodied_kit.cli.progress import progress_bar
from embodied_kit.cli.texts import Texts
from embodied_kit.model.json import JsonObject
from embodied_kit.visible import visible_json


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(
        dataset: Path, trust: Path, rejudge: bool, profile: str | None, ledger: Path | None, output_format: str
    ) -> int:
        from embodied_kit.cli.judging import judged_again  # noqa: PLC0415  # heavy
        from embodied_validators.attest.keys import load_trust  # noqa: PLC0415  # arrows
        from embodied_validators.attest.text import verification_document, verification_text  # noqa: PLC0415
        from embodied_validators.attest.verify import verify  # noqa: PLC0415

        def again(facts: Iterable[bytes], predicate: JsonObject) -> bytes:
            return judged_again(facts, predicate, profile, ledger)

        trusted = load_trust(trust, dataset=dataset)
        total = sum(path.stat().st_size for path in dataset.rglob("*") if path.is_file() and not path.is_symlink())
        done = 0
        with progress_bar(texts("verifying", "核验")) as tick:

            def read(count: int) -> None:
                nonlocal done
                done += count
                tick(done, total)

            result = verify(dataset, trusted, now_ns=time.time_ns(), rejudge=again if rejudge else None, progress=read)
        if output_format == "json":
            sys.stdout.buffer.write(visible_json(pretty_bytes(verification_document(result))))
        else:
            click.echo(verification_text(result, texts.language), nl=False)
        return result.exit_code

    return verb(
        "verify",
        run,
        params=_params(texts),
        help_text=example(
            texts,
            "Check every file and the attestation, offline. Exit code: 0 valid, 1 invalid, 3 indeterminate.",
            "离线核验每个文件与符合性声明。退出码：0 有效，1 无效，3 无法判定。",
            "embodied-kit verify my_ds --trust my_lab.trust.json --rejudge",
        ),
    )


def _params(texts: Texts) -> list[click.Parameter]:
    return [
        path_argument("dataset"),
        path_option(
            "--trust",
            required=True,
            help_text=texts("Trust file, from outside the dataset.", "信任文件（不得取自数据集内）。"),
        ),
        click.Option(
            ["--rejudge"],
            is_flag=True,
            help=texts("Compute the report again from the facts.", "由事实重新得出报告。"),
        ),
        click.Option(["--profile"], help=texts("Profile file, if it is your own.", "自定义规则集文件。")),
        ledger_option(texts),
        format_option(texts, ("text", "json"), "Form of the result.", "结果形式。"),
    ]
