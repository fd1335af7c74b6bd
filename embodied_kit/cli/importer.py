"""`import FORMAT PATH`: a foreign recording becomes an episode."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.options import example, path_argument, path_option, verb
from embodied_kit.cli.texts import Texts
from embodied_kit.convert import FORMATS
from embodied_kit.errors import UsageError


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(format_name: str, path: Path, dataset: Path, robot: Path, contract: Path | None, task: str) -> int:
        from embodied_kit.convert.importer import import_recording  # noqa: PLC0415
        from embodied_kit.episode.dataset import Dataset  # noqa: PLC0415
        from embodied_kit.episode.robots import read_robot  # noqa: PLC0415
        from embodied_recorders.graph.contract import load_contract  # noqa: PLC0415  # arrows

        target = Dataset.open(dataset)
        if task and task not in target.task_ids():
            raise UsageError(f"expected a task of tasks.json, got {task!r}", remedy="add it to tasks.json")
        declared = load_contract(contract).document if contract else None
        folder = import_recording(FORMATS[format_name](path), target, read_robot(robot), declared, task)
        click.echo(texts(f"imported {path} -> {folder}", f"已导入 {path} -> {folder}"))
        return 0

    return verb(
        "import",
        run,
        params=[
            click.Argument(["format_name"], type=click.Choice(tuple(FORMATS)), metavar="FORMAT"),
            path_argument("path"),
            path_option(
                "--dataset",
                required=True,
                help_text=texts("Dataset folder.", "数据集文件夹。"),
            ),
            path_option(
                "--robot",
                required=True,
                help_text=texts("robot.json.", "robot.json 文件。"),
            ),
            path_option(
                "--contract",
                help_text=texts("Declares roles, cadences and rates.", "声明角色、节拍与频率的约定。"),
            ),
            click.Option(["--task"], default="", help=texts("Task id.", "任务标识。")),
        ],
        help_text=example(
            texts,
            "Carry a recording over, byte for byte; what it does not know stays unknown.",
            "逐字节导入外部录制数据；文件未知的内容保持未知。",
            "embodied-kit import rosbag2 my_bag --dataset my_ds --robot my_arm/robot.json",
        ),
    )
