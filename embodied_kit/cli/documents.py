"""`dataset check`: the documents of datasets held against the standard, quickly; what a pre-commit hook runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from embodied_kit.cli.options import example, verb
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.errors import UsageError
from embodied_kit.model.report import Context, Finding, Report
from embodied_kit.model.rule import LEVELS, DocumentCheck, Level, Profile


def check_command(texts: Texts) -> click.Command:
    """The verb."""

    def run(paths: Sequence[Path], level: Level) -> int:
        codes = [_check(root, level, texts) for root in datasets_of(paths)]
        return next((code for code in (1, 3) if code in codes), 0)

    return verb(
        "check",
        run,
        params=[
            click.Argument(["paths"], type=click.Path(path_type=Path), nargs=-1, required=True),
            click.Option(
                ["--level"],
                type=click.Choice(LEVELS),
                default="L1",
                show_default=True,
                help=texts("Level that the documents must satisfy.", "文档须满足的级别。"),
            ),
        ],
        help_text=example(
            texts,
            "Hold the documents of datasets against the standard, without reading recordings: each dataset that one of"
            " the paths lies in. Exit code: 0 fine, 1 failed, 3 undetermined. Only `validate` looks at the data.",
            "检查数据集的文档是否符合标准，不读取录制数据；路径所在的每个数据集都会检查。退出码：0 通过，1 不通过，"
            "3 无法判定。数据本身只由 `validate` 检查。",
            "embodied-kit dataset check my_ds",
            "embodied-kit dataset check my_ds/dataset.json my_ds/tasks.json --level L2",
        ),
    )


def datasets_of(paths: Iterable[Path]) -> list[Path]:
    """Folders of the datasets that some paths lie in, each once.

    Args:
        paths: Folders or files, in any dataset or in none.

    Raises:
        UsageError: A path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"expected a file or folder, got {path}, which does not exist")
        absolute = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links out of the dataset
        root = next((place for place in (absolute, *absolute.parents) if (place / DATASET_JSON).is_file()), None)
        if root is not None:
            found[root] = None
    return list(found)


def _check(root: Path, level: Level, texts: Texts) -> int:
    from embodied_kit.cli.judging import profile_of  # noqa: PLC0415  # heavy
    from embodied_kit.measure import measure_path  # noqa: PLC0415
    from embodied_validators.judge import judge  # noqa: PLC0415  # arrows
    from embodied_validators.profiles import load_profile  # noqa: PLC0415

    facts = tuple(measure_path(root, depth="index"))
    profile = _documents_only(load_profile(profile_of(root)))
    report = judge(facts, profile, Context(time.time_ns()))
    wanted = LEVELS[: LEVELS.index(level) + 1]
    found = [item for item in report.findings if item.level in wanted and item.place.episode not in report.excluded]
    for line in _lines(found, profile, report, root, texts):
        click.echo(line)
    blocking = {item.state for item in found if item.severity == "error"}
    return 1 if "failed" in blocking else 3 if blocking else 0


def _documents_only(profile: Profile) -> Profile:
    """The rules that look at documents and at nothing else."""
    rules = tuple(rule for rule in profile.rules if all(isinstance(check, DocumentCheck) for check in rule.checks))
    return replace(profile, rules=rules)


def _lines(found: Sequence[Finding], profile: Profile, report: Report, root: Path, texts: Texts) -> Iterable[str]:
    """One line a finding, as compilers write them; then how many rules were asked."""
    from embodied_validators.report.info import SubjectInfo  # noqa: PLC0415
    from embodied_validators.report.sentence import finding_text  # noqa: PLC0415
    from embodied_validators.report.words import Words  # noqa: PLC0415

    rules = {rule.rule_id: rule for rule in profile.rules}
    for item in found:
        rule = rules[item.rule_id]
        text = finding_text(item, rule, SubjectInfo(root.name, len(report.levels)), Words(texts.language))
        yield f"{root.name}/{text}  [{item.rule_id} {texts.of(rule.title)}, {item.level}]"
    yield texts(
        f"{root.name}: {len(rules)} rules about documents, {len(found)} findings; recordings were not read",
        f"{root.name}：文档规则 {len(rules)} 条，发现 {len(found)} 条；未读取录制数据",
    )
