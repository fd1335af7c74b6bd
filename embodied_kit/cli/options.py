"""What several verbs share: how a command is made, and options that mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from embodied_kit.cli.texts import Texts
from embodied_kit.model.engine import ENGINES
from embodied_kit.model.facts import DEPTHS

REPORT_FORMATS = ("text", "json", "jsonl", "html", "markdown", "sarif", "junit")
"""Forms of a report, as `embodied_validators.report.FORMATS` makes them; named here so that help imports nothing."""
HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def verb(name: str, run: Callable[..., int], *, params: Sequence[click.Parameter], help_text: str) -> click.Command:
    """A command whose callback returns the exit code."""
    return click.Command(name, callback=run, context_settings=HELP_NAMES, params=list(params), help=help_text)


def verbs(name: str, help_text: str, commands: Sequence[click.Command]) -> click.Group:
    """A group of commands."""
    group = click.Group(name, help=help_text, context_settings=HELP_NAMES)
    for command in commands:
        group.add_command(command)
    return group


def example(texts: Texts, en: str, zh: str, *lines: str) -> str:
    """Help text of a verb: a sentence, then examples that can be copied."""
    shown = "\n".join(f"  {line}" for line in lines)
    return f"{texts(en, zh)}\n\n\b\n{texts('Example:', '示例：')}\n{shown}"


def path_argument(name: str, *, required: bool = True) -> click.Argument:
    """A path on the command line."""
    return click.Argument([name], type=click.Path(path_type=Path), required=required)


def path_option(*names: str, help_text: str, required: bool = False, default: str | None = None) -> click.Option:
    """An option that is a path."""
    kind = click.Path(path_type=Path)
    if default is None:
        return click.Option(list(names), type=kind, required=required, help=help_text)
    return click.Option(list(names), type=kind, default=default, show_default=True, help=help_text)


def text_option(*names: str, help_text: str, required: bool = False) -> click.Option:
    """An option that is free text, empty where it is not given."""
    if required:
        return click.Option(list(names), required=True, help=help_text)
    return click.Option(list(names), default="", help=help_text)


def output_option(texts: Texts, en: str = "File to write.", zh: str = "输出文件。") -> click.Option:
    """`-o`, `--output`."""
    return path_option("-o", "--output", help_text=texts(en, zh))


def format_option(
    texts: Texts, choices: Sequence[str], en: str = "Form of the report.", zh: str = "报告形式。"
) -> click.Option:
    """`--format`; the first of the choices where it is not given."""
    return click.Option(
        ["--format", "output_format"],
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help=texts(en, zh),
    )


def depth_option(texts: Texts) -> click.Option:
    """`--depth`."""
    return click.Option(
        ["--depth"],
        type=click.Choice(DEPTHS),
        default="full",
        show_default=True,
        help=texts(
            "index: summaries only; signal: every byte and number; full: pictures too.",
            "index：仅摘要；signal：全部字节与数值；full：另含图像。",
        ),
    )


def measuring_options(texts: Texts) -> list[click.Parameter]:
    """`--engine`, `--jobs`, `--sample`, `--seed`."""
    at_least_one = click.IntRange(min=1)
    return [
        click.Option(
            ["--engine"],
            type=click.Choice(ENGINES),
            default="auto",
            show_default=True,
            help=texts(
                "How episodes are measured; auto: processes where there are many.",
                "片段的测量方式；auto：片段多时使用多进程。",
            ),
        ),
        click.Option(
            ["--jobs"],
            type=at_least_one,
            help=texts("Processes at most (default: all cores).", "最多进程数（默认为全部核数）。"),
        ),
        click.Option(
            ["--sample"],
            type=at_least_one,
            help=texts(
                "Measure so many episodes only; a sample never reaches a level.", "仅抽测若干片段；抽测不给出级别。"
            ),
        ),
        click.Option(
            ["--seed"],
            type=int,
            default=0,
            show_default=True,
            help=texts("Chooses the sample.", "抽样种子。"),
        ),
    ]


def waivers_option(texts: Texts) -> click.Option:
    """`--waivers`."""
    return path_option(
        "--waivers",
        help_text=texts(
            "File of findings that somebody answers for.", "豁免文件：列出由专人负责、暂不处理的不符合项。"
        ),
    )


def judging_options(texts: Texts) -> list[click.Parameter]:
    """`--profile`, `--select`, `--ignore`, `--waivers`."""
    return [
        click.Option(
            ["--profile"],
            help=texts(
                "Profile, id@version or a file (default: by data_origin and embodiment_class).",
                "规则集，id@version 或文件（默认按数据来源与本体类别选取）。",
            ),
        ),
        click.Option(
            ["--select"],
            default="",
            help=texts(
                "Ask only rules whose ids begin so: TM,ST-0. No level is given then.",
                "仅检查编号以此开头的规则，如 TM,ST-0；此时不给出级别。",
            ),
        ),
        click.Option(
            ["--ignore"],
            default="",
            help=texts("Do not ask rules whose ids begin so; likewise.", "不检查编号以此开头的规则；同样不给出级别。"),
        ),
        waivers_option(texts),
    ]


def domain_option(texts: Texts) -> click.Option:
    """`--domain`."""
    return click.Option(
        ["--domain", "domain_id"],
        type=click.IntRange(0, 232),
        help=texts("ROS domain id (default: ROS_DOMAIN_ID, else 0).", "ROS 域号（默认取 ROS_DOMAIN_ID，否则为 0）。"),
    )


def transport_option(texts: Texts) -> click.Option:
    """`--transport`."""
    help_text = texts("How to reach the graph: dds, ros2 or zenoh.", "接入方式：dds、ros2 或 zenoh。")
    return click.Option(["--transport"], default="dds", show_default=True, help=help_text)


def transport_options(texts: Texts) -> list[click.Parameter]:
    """`--domain`, `--transport`, `--interface`."""
    return [
        domain_option(texts),
        transport_option(texts),
        click.Option(
            ["--interface"],
            default="127.0.0.1",
            show_default=True,
            help=texts(
                "Network interface or its address; with zenoh also a router, tcp/HOST:7447.",
                "网卡名或地址；zenoh 还可填路由器，如 tcp/主机:7447。",
            ),
        ),
    ]
