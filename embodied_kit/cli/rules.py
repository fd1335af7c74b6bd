"""`rules list` and `rules explain`."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.options import example, path_argument, path_option, verb, verbs
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.model.rule import LEVELS


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("rules", texts("The rulebook.", "规则手册。"), [_list(texts), _explain(texts), _freeze(texts)])


def _list(texts: Texts) -> click.Command:
    def run(prefix: str, ignore: str, severity: str | None, level: str | None, profile: str | None) -> int:
        from embodied_validators.profiles import load_profile  # noqa: PLC0415  # arrows
        from embodied_validators.rulebook import listing, load_rulebook  # noqa: PLC0415
        from embodied_validators.selection import chosen  # noqa: PLC0415

        book = load_rulebook().rules
        rules = {rule.rule_id: rule for rule in load_profile(profile).rules} if profile else book
        kept = [rules[name] for name in chosen(rules, prefix, ignore)]
        kept = [rule for rule in kept if severity in (None, rule.severity) and level in (None, rule.level)]
        if not kept:
            raise UsageError("expected a choice that leaves a rule, got none", remedy="embodied-kit rules list")
        for row in listing(kept, texts.language):
            click.echo("  ".join(row))
        return 0

    return verb(
        "list",
        run,
        params=[
            click.Argument(["prefix"], default=""),
            click.Option(["--ignore"], default="", help=texts("Beginnings of ids to leave out.", "不列出的编号前缀。")),
            click.Option(
                ["--severity"],
                type=click.Choice(["error", "warning", "info"]),
                help=texts("Only of this severity.", "仅此严重程度。"),
            ),
            click.Option(
                ["--level"], type=click.Choice(LEVELS), help=texts("Only from this level on.", "仅自此级别起。")
            ),
            click.Option(["--profile"], help=texts("As this profile has them.", "按此规则集列出。")),
        ],
        help_text=example(
            texts,
            "List rules, all or those whose ids begin so.",
            "列出全部规则，或编号以此开头的规则。",
            "embodied-kit rules list TM,ST-0 --ignore ST-06",
            "embodied-kit rules list --severity error --level L2 --profile sim@1.0",
        ),
    )


def _explain(texts: Texts) -> click.Command:
    def run(rule_id: str) -> int:
        from embodied_validators.rulebook import explain, load_rulebook  # noqa: PLC0415

        rule = load_rulebook().rules.get(rule_id.upper())
        if rule is None:
            raise UsageError(f"expected a rule id, got {rule_id!r}", remedy="embodied-kit rules list")
        click.echo(explain(rule, texts.language))
        return 0

    return verb(
        "explain",
        run,
        params=[click.Argument(["rule_id"])],
        help_text=example(
            texts,
            "What a rule asks, why, from which source, and how to mend it.",
            "规则的要求、理由、来源与修正办法。",
            "embodied-kit rules explain TM-07",
        ),
    )


def _freeze(texts: Texts) -> click.Command:
    def run(source: Path, to: Path) -> int:
        from embodied_validators.freeze import freeze  # noqa: PLC0415

        name, digest = freeze(source, to)
        click.echo(texts(f"released: {name}  sha256 {digest}", f"已发布：{name}  sha256 {digest}"))
        return 0

    return verb(
        "freeze",
        run,
        params=[
            path_argument("source"),
            path_option(
                "--to", default=".", help_text=texts("Folder of released profiles.", "已发布规则集所在文件夹。")
            ),
        ],
        help_text=example(
            texts,
            "Make a released profile of its source: its rules verbatim, frozen by digest. It never changes again.",
            "由源文件发布规则集：逐字收录规则并以摘要冻结。已发布的名称不再改变。",
            "embodied-kit rules freeze my_lab.yaml --to profiles",
        ),
    )
