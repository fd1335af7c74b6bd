"""`dataset init|ls|info|exclude|discard|restore|check|rebuild|seal|new-version`."""

from __future__ import annotations

import secrets
import shlex
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click

from embodied_kit.cli.documents import check_command
from embodied_kit.cli.options import example, path_argument, path_option, text_option, verb, verbs
from embodied_kit.cli.quarantine import discard_command, restore_command
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.ids import require_slug, uuid7
from embodied_kit.episode.layout import DATASET_JSON, EPISODES
from embodied_kit.episode.robots import add_robot, read_robot
from embodied_kit.errors import EmbodiedKitError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    makers = (
        _init,
        _list,
        _info,
        _exclude,
        discard_command,
        restore_command,
        check_command,
        _rebuild,
        _seal,
        _new_version,
    )
    return verbs("dataset", texts("Work on a dataset folder.", "管理数据集文件夹。"), [make(texts) for make in makers])


def _init(texts: Texts) -> click.Command:
    def run(
        directory: Path,
        title_en: str,
        title_zh: str,
        data_origin: str | None,
        licence: str,
        rights_holder: str,
        documents: Path | None,
        robots: tuple[Path, ...],
        tasks: tuple[str, ...],
    ) -> int:
        from embodied_kit.episode.templates import Template, read_template  # noqa: PLC0415

        template = read_template(documents) if documents else Template({}, {}, ())
        folders = [read_robot(path) for path in robots]
        twice = [robot_id for robot_id, n in Counter(folder.robot_id for folder in folders).items() if n > 1]
        if twice:
            raise UsageError(f"expected each robot once, got {twice[0]!r} twice")
        now_ns = time.time_ns()
        dataset_id = uuid7(now_ns, secrets.randbits(74))
        said: dict[str, JsonValue] = {
            "title_en": title_en,
            "title_zh": title_zh,
            "license": licence,
            "rights_holder": rights_holder,
        }
        document: dict[str, JsonValue] = {
            "dataset_id": dataset_id,
            "dataset_uri": f"urn:uuid:{dataset_id}",
            "dataset_version": "0.1.0",
            **template.dataset,
            **{name: value for name, value in said.items() if value},
        }
        origin = data_origin or str(document.get("data_origin", "real"))
        document |= {"data_origin": origin, "generated_data_indicator": 0 if origin == "real" else 1}
        entries: list[JsonObject] = [{"task_id": require_slug(task, "task id")} for task in tasks]
        create(directory, document, governance=template.governance, tasks=[*template.tasks, *entries], now_ns=now_ns)
        for folder in folders:
            add_robot(directory, folder)
        click.echo(texts(f"dataset {dataset_id} in {directory}", f"数据集 {dataset_id} 位于 {directory}"))
        click.echo(texts("Next: ", "下一步：") + _what_is_next(directory, documents is not None, texts))
        return 0

    return verb(
        "init",
        run,
        params=_init_params(texts),
        help_text=example(
            texts,
            "Make a dataset folder.",
            "新建数据集文件夹。",
            "embodied-kit dataset init my_ds --task pick_place --robot my_arm/robot.json",
        ),
    )


def _what_is_next(directory: Path, begun: bool, texts: Texts) -> str:
    """What is to be done with documents that were given, or that nobody has begun."""
    command = f"embodied-kit validate {shlex.quote(str(directory))}"
    if begun:
        return texts(f"record; what the documents lack is named by {command}", f"开始采集；文档缺项可查：{command}")
    return texts(
        f"fill in dataset.json, governance.json and tasks.json; what is missing is named by {command}",
        f"补全 dataset.json、governance.json、tasks.json；缺项可查：{command}",
    )


def _init_params(texts: Texts) -> list[click.Parameter]:
    def option(name: str, en: str, zh: str) -> click.Option:
        return click.Option([name], default="", help=texts(en, zh))

    return [
        path_argument("directory"),
        option("--title-en", "English title.", "英文标题。"),
        option("--title-zh", "Chinese title.", "中文标题。"),
        click.Option(
            ["--data-origin"],
            type=click.Choice(["real", "sim", "augmented", "generated"]),
            help=texts("Where the data come from (default: real).", "数据来源（默认 real）。"),
        ),
        click.Option(["--license", "licence"], default="", help=texts("SPDX licence expression.", "SPDX 许可标识。")),
        option("--rights-holder", "Who holds the rights.", "权利人。"),
        path_option(
            "--documents",
            help_text=texts(
                "Folder with dataset.json, governance.json, tasks.json to begin with.",
                "作为起点的 dataset.json、governance.json、tasks.json 所在文件夹。",
            ),
        ),
        click.Option(
            ["--robot", "robots"],
            multiple=True,
            type=click.Path(path_type=Path),
            help=texts(
                "robot.json to copy in, with its URDF and calibration/.",
                "要拷入的 robot.json（连同 URDF 与 calibration/）。",
            ),
        ),
        click.Option(["--task", "tasks"], multiple=True, help=texts("Task id to begin with.", "初始任务标识。")),
    ]


def _list(texts: Texts) -> click.Command:
    def run(directory: Path) -> int:
        dataset = Dataset.open(directory)
        excluded = _excluded(dataset.document())
        for episode_id in dataset.episode_ids():
            mark = texts("excluded", "已剔除") if episode_id in excluded else ""
            try:
                shown = _one_line(dataset.episode(episode_id), texts)
            except EmbodiedKitError as error:
                shown = f"{told(error.message, texts)} -> embodied-kit dataset rebuild {directory}"
            click.echo(f"{episode_id}  {shown} {mark}".rstrip())
        return 0

    return verb(
        "ls",
        run,
        params=[path_argument("directory")],
        help_text=example(texts, "List the episodes.", "列出片段。", "embodied-kit dataset ls my_ds"),
    )


def _one_line(episode: JsonObject, texts: Texts) -> str:
    """Duration, task and outcome, and whether it came back after a kill."""
    seconds = episode.get("duration_s")
    shown = f"{seconds:8.2f} s" if isinstance(seconds, int | float) else " " * 10
    recovered = texts(" recovered", " 已恢复") if episode.get("origin") == "recovered" else ""
    return f"{shown}  {episode.get('task_id', '')!s:<16} {episode.get('outcome', '')!s:<8}{recovered}"


def _info(texts: Texts) -> click.Command:
    def run(directory: Path) -> int:
        from embodied_kit.episode.dataset import totals  # noqa: PLC0415

        dataset = Dataset.open(directory)
        document = dataset.document()
        episodes = [dataset.episode(name) for name in dataset.episode_ids()]
        for name in ("title_zh", "title_en", "dataset_id", "dataset_version", "state", "data_origin", "license"):
            if name in document:
                click.echo(f"{name:<20} {document[name]}")
        _show_totals(totals(episodes, set(_excluded(document))))
        return 0

    return verb(
        "info",
        run,
        params=[path_argument("directory")],
        help_text=example(
            texts,
            "What a dataset says of itself, and its totals.",
            "数据集概况与总量。",
            "embodied-kit dataset info my_ds",
        ),
    )


def _exclude(texts: Texts) -> click.Command:
    def run(episode: str, reason: str, directory: Path) -> int:
        folder = Path(episode)
        named_by_path = folder.parent.name == EPISODES
        dataset = Dataset.open(folder.parent.parent if named_by_path else directory)
        episode_id = dataset.find_episode(folder.name)
        dataset.exclude(episode_id, reason, time.time_ns())
        click.echo(texts(f"excluded {episode_id}: {reason}", f"已剔除 {episode_id}：{reason}"))
        return 0

    return verb(
        "exclude",
        run,
        params=[
            click.Argument(["episode"]),
            text_option("--reason", required=True, help_text=texts("Why; it is published.", "原因（会公开）。")),
            path_option(
                "--dataset",
                "directory",
                default=".",
                help_text=texts("Dataset folder, where EPISODE is an id.", "数据集文件夹（EPISODE 为标识时）。"),
            ),
        ],
        help_text=example(
            texts,
            "Keep an episode in the set and out of its level. EPISODE is its folder, or its id or an end of that.",
            "片段保留在集内，但不参与定级。EPISODE 为片段文件夹，或其标识（可只写开头或结尾）。",
            "embodied-kit dataset exclude my_ds/episodes/0192f0c1-8a3b-7c1d-9e2f-0123456789ab --reason 'lost frames'",
            "embodied-kit dataset exclude 0192f0c1 --dataset my_ds --reason 'lost frames'",
        ),
    )


def _rebuild(texts: Texts) -> click.Command:
    def run(directory: Path) -> int:
        from embodied_kit.episode.rebuild import rebuild  # noqa: PLC0415

        rebuilt = rebuild(directory)
        if rebuilt and (directory / DATASET_JSON).is_file() and not Dataset(directory).sealed:
            Dataset(directory).refresh(time.time_ns())
        for path in rebuilt:
            click.echo(texts(f"rebuilt {path}", f"已重建 {path}"))
        if not rebuilt:
            click.echo(texts("nothing is missing", "没有缺失的文件"))
        return 0

    return verb(
        "rebuild",
        run,
        params=[path_argument("directory")],
        help_text=example(
            texts,
            "Write missing episode.json files anew from the data files alone.",
            "仅凭数据文件重建缺失的 episode.json。",
            "embodied-kit dataset rebuild my_ds",
        ),
    )


def _seal(texts: Texts) -> click.Command:
    def run(directory: Path, version: str | None) -> int:
        if version is not None:
            _require_version(version)
        document = Dataset.open(directory).seal(version, time.time_ns())
        fixed = document.get("dataset_version", "?")
        click.echo(texts(f"sealed {directory} as version {fixed}", f"已封存 {directory}，版本 {fixed}"))
        _show_totals(document.get("totals"))
        return 0

    return verb(
        "seal",
        run,
        params=[
            path_argument("directory"),
            click.Option(["--version"], help=texts("Version, SemVer.", "版本号（SemVer）。")),
        ],
        help_text=example(
            texts,
            "Fix totals and version; from then on no file may change.",
            "固定总量与版本；此后文件不得更改。",
            "embodied-kit dataset seal my_ds --version 1.0.0",
        ),
    )


def _new_version(texts: Texts) -> click.Command:
    def run(directory: Path, target: Path, version: str) -> int:
        from embodied_kit.episode.versions import new_version  # noqa: PLC0415

        _require_version(version)
        new_version(Dataset.open(directory), target, version, time.time_ns())
        click.echo(texts(f"open again as version {version}: {target}", f"已作为版本 {version} 重新打开：{target}"))
        return 0

    return verb(
        "new-version",
        run,
        params=[
            path_argument("directory"),
            path_argument("target"),
            text_option("--version", required=True, help_text=texts("Version, SemVer.", "版本号（SemVer）。")),
        ],
        help_text=example(
            texts,
            "Copy a sealed dataset to a new folder and open the copy: to exclude a take, to record more.",
            "把已封存的数据集复制到新文件夹并重新打开：以便剔除片段或继续采集。",
            "embodied-kit dataset new-version my_ds my_ds_1.1 --version 1.1.0",
        ),
    )


def _show_totals(totals: JsonValue) -> None:
    """One line a total, under the names that dataset.json has for them."""
    for name, value in totals.items() if isinstance(totals, Mapping) else ():
        click.echo(f"{name:<20} {value}")


def _require_version(version: str) -> None:
    """Refuse a version that the schema would refuse once the dataset is sealed.

    Raises:
        UsageError: It is no semantic version.
    """
    from embodied_kit.spec import check  # noqa: PLC0415  # heavy

    problems = check("dataset", {"dataset_version": version})
    found = [problem.message for problem in problems if problem.pointer == "/dataset_version"]
    if found:
        raise UsageError(f"--version: {found[0]}", remedy="for example: --version 1.0.0")


def _excluded(document: JsonObject) -> list[str]:
    entries = document.get("excluded")
    if not isinstance(entries, list):
        return []
    return [str(entry.get("episode_id")) for entry in entries if isinstance(entry, Mapping)]
