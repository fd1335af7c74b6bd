"""`--as-of`, `--recipient`, `--purpose`, `--ledger`: the context that data are judged in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click

from embodied_kit.cli.options import path_option, text_option
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.measure.declared.times import parse_rfc3339
from embodied_kit.model.report import Context

PURPOSES = ("collect", "train", "share_domestic", "share_third_party", "export", "publish", "commercial")
"""Words of the vocabulary `consent_scope`; named here so that help reads no file."""


@dataclass(frozen=True)
class Circumstances:
    """The options as they were given; empty where they were not."""

    as_of: str = ""
    recipient: str = ""
    purpose: str | None = None
    ledger: Path | None = None

    def context(self, now_ns: int | None = None) -> Context:
        """The context that they describe.

        Args:
            now_ns: Date where `--as-of` was not given; None is now.

        Raises:
            UsageError: The date is none, or a file cannot be read.
        """
        from embodied_validators.context import make_context, read_ledger, read_recipient  # noqa: PLC0415  # arrows

        as_of_ns = now_ns if now_ns is not None else time.time_ns()
        if self.as_of:
            given = parse_rfc3339(self.as_of if "T" in self.as_of else f"{self.as_of}T00:00:00Z")
            if given is None:
                raise UsageError(
                    f"expected a date like 2026-11-24 or a time like 2026-11-24T08:15:30Z, got '{self.as_of}'"
                )
            as_of_ns = given
        ledger = read_ledger(self.ledger) if self.ledger is not None else None
        return make_context(as_of_ns, read_recipient(self.recipient), self.purpose or "", ledger)


def context_options(texts: Texts, *, dated: bool = True) -> list[click.Parameter]:
    """`--recipient`, `--purpose`, `--ledger`, and `--as-of` where the date may be chosen."""
    as_of = text_option("--as-of", help_text=texts("Date of the judgement (default: now).", "判定日期（默认为当前）。"))
    return [
        *([as_of] if dated else []),
        text_option(
            "--recipient",
            help_text=texts(
                "Who would receive the data: an id, or a JSON file with id, country, gba_member.",
                "接收方：标识，或含 id、country、gba_member 的 JSON 文件。",
            ),
        ),
        click.Option(
            ["--purpose"], type=click.Choice(PURPOSES), help=texts("What it would be used for.", "拟作何用途。")
        ),
        ledger_option(texts),
    ]


def ledger_option(texts: Texts) -> click.Option:
    """`--ledger`."""
    return path_option(
        "--ledger", help_text=texts("The exporter's totals of the year, JSON.", "出境方年度台账（JSON）。")
    )
