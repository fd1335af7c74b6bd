"""`attest` (and `certify`): measure anew, judge, sign."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from embodied_kit.cli.circumstances import Circumstances, context_options
from embodied_kit.cli.options import example, path_argument, path_option, verb, waivers_option
from embodied_kit.cli.texts import Texts
from embodied_kit.model.rule import LEVELS, Level

PASSPHRASE_VARIABLE = "EMBODIED_KIT_PASSPHRASE"  # noqa: S105  # a name, not a secret
VALID_FOR_DAYS = 365


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(
        dataset: Path,
        level: Level,
        key: Path,
        profile: str | None,
        valid_days: int,
        waivers: Path | None,
        **given: Any,
    ) -> int:
        circumstances = Circumstances(**given)
        folder = sign(
            dataset, level, key, profile, texts, valid_days=valid_days, waivers=waivers, circumstances=circumstances
        )
        click.echo(texts(f"conformity attestation: {folder}", f"符合性声明：{folder}"))
        return 0

    return verb(
        "attest",
        run,
        params=[
            path_argument("dataset"),
            click.Option(
                ["--level"], type=click.Choice(LEVELS), required=True, help=texts("Level to attest.", "声明的级别。")
            ),
            path_option("--key", required=True, help_text=texts("Private key.", "私钥文件。")),
            click.Option(["--profile"], help=texts("Profile (default: by data_origin).", "规则集（默认按数据来源）。")),
            click.Option(
                ["--valid-days"],
                type=click.IntRange(1, 3650),
                default=VALID_FOR_DAYS,
                show_default=True,
                help=texts("Days of validity.", "有效天数。"),
            ),
            waivers_option(texts),
            *context_options(texts, dated=False),
        ],
        help_text=example(
            texts,
            "Sign a conformity attestation of a sealed dataset: every file is read, measured and judged anew."
            f" The passphrase of a key is taken from {PASSPHRASE_VARIABLE}.",
            f"为已封存的数据集签署符合性声明：重新读取、测量并校验每个文件。加密私钥的口令取自 {PASSPHRASE_VARIABLE}。",
            "embodied-kit attest my_ds --level L2 --key keys/my_lab.pem",
        ),
    )


def sign(
    dataset: Path,
    level: Level,
    key: Path,
    profile: str | None,
    texts: Texts,
    *,
    valid_days: int = VALID_FOR_DAYS,
    waivers: Path | None = None,
    circumstances: Circumstances | None = None,
) -> Path:
    """Measure without trusting any index, judge, sign.

    Returns:
        The attestation's folder.

    Raises:
        NotReachedError: The level is not reached; it names the rules in the way.
        UsageError: The dataset is not sealed, or the key does not open.
    """
    from embodied_kit.cli.judging import Judging, judged, measured  # noqa: PLC0415  # heavy
    from embodied_validators.attest import Judgement, attest  # noqa: PLC0415  # arrows

    now_ns = time.time_ns()
    context = (circumstances or Circumstances()).context(now_ns)
    facts = measured(dataset, "full", texts, trust_index=False)
    result = judged(dataset, facts, Judging(profile, waivers=waivers), context=context)
    written = attest(
        dataset,
        Judgement(result.facts, result.report, result.report_bytes, result.profile, context),
        level,
        key_path=key,
        passphrase=os.environ.get(PASSPHRASE_VARIABLE),
        now_ns=now_ns,
        valid_for_days=valid_days,
    )
    return written.folder
