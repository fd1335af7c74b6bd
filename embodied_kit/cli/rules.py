"""`rules list` and `rules explain`."""

from __future__ import annotations

import click

from embodied_kit.cli.options import example, verb, verbs
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("rules", texts("The rulebook.", "规则手册。"), [_list(texts), _explain(texts)])


def _list(texts: Texts) -> click.Command:
    def run(prefix: str) -> int:
        from embodied_validators.rulebook import listing, load_rulebook  # noqa: PLC0415  # arrows

        rules = [rule for rule in load_rulebook().rules.values() if rule.rule_id.startswith(prefix.upper())]
        if not rules:
            raise UsageError(f"expected the beginning of a rule id, got {prefix!r}", remedy="embodied-kit rules list")
        for row in listing(rules, texts.language):
            click.echo("  ".join(row))
        return 0

    return verb(
        "list",
        run,
        params=[click.Argument(["prefix"], default="")],
        help_text=example(
            texts, "List rules, all or those of a family.", "列出全部规则或某一族。", "embodied-kit rules list TM"
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
