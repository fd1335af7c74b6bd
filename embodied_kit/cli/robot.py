"""`robot sim`, `robot describe` and `robot router`: a robot without a robot."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from embodied_kit.cli.options import domain_option, example, path_option, transport_option, verb, verbs
from embodied_kit.cli.texts import Texts
from embodied_kit.language import LANGUAGE_VARIABLE

_LOOK_S = 0.2


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("robot", texts("A simulated robot.", "仿真机器人。"), [_sim(texts), _describe(texts), _router(texts)])


def _sim(texts: Texts) -> click.Command:
    def run(
        seed: int,
        takes: int | None,
        duration: float | None,
        faults: tuple[str, ...],
        fail_takes: tuple[str, ...],
        fail_rate: float,
        log: Path | None,
        domain_id: int | None,
        transport: str,
    ) -> int:
        from embodied_recorders import sim  # noqa: PLC0415  # heavy, and arrows

        options = sim.SimOptions(
            seed=seed,
            transport=transport,
            domain_id=domain_id,
            takes=takes,
            duration_s=duration,
            faults=tuple(sim.parse_fault(fault) for fault in faults),
            fail_takes=tuple(sim.parse_fail_take(take) for take in fail_takes),
            fail_rate=fail_rate,
            log=str(log) if log else None,
        )
        os.environ[LANGUAGE_VARIABLE] = texts.language  # its processes speak it too
        ready = texts("the robot is running; Ctrl-C stops it", "机器人已运行；Ctrl-C 停止")
        return sim.run(options, on_ready=lambda _epoch_ns: click.echo(ready, err=True))

    return verb("sim", run, params=_params(texts), help_text=_help(texts))


def _params(texts: Texts) -> list[click.Parameter]:
    return [
        click.Option(
            ["--seed"], type=int, default=1, show_default=True, help=texts("Decides all chance.", "随机种子。")
        ),
        click.Option(["--takes"], type=int, help=texts("End after so many takes.", "完成若干次后结束。")),
        click.Option(["--duration"], type=float, help=texts("End after so many seconds.", "若干秒后结束。")),
        click.Option(
            ["--fault", "faults"],
            multiple=True,
            metavar="NAME[:VALUE][@TAKE]",
            help=texts("A fault of the list above.", "注入上列故障之一。"),
        ),
        click.Option(
            ["--fail-take", "fail_takes"],
            multiple=True,
            metavar="TAKE[:HOW]",
            help=texts("A take whose task fails.", "任务失败的某次。"),
        ),
        click.Option(
            ["--fail-rate"], type=click.FloatRange(0, 1), default=0.0, help=texts("Share that fails.", "失败比例。")
        ),
        path_option(
            "--log",
            help_text=texts(
                "The robot's own log, JSON Lines: the ground truth.", "机器人自身日志（JSON Lines，真值）。"
            ),
        ),
        domain_option(texts),
        transport_option(texts),
    ]


def _help(texts: Texts) -> str:
    from embodied_recorders.sim.faults import FAULTS  # noqa: PLC0415  # only where its help is made

    names = "\n".join(f"  {name:<14} {texts(kind.what_en, kind.what_zh)}" for name, kind in FAULTS.items())
    text = example(
        texts,
        "Run an arm with a gripper, two cameras and a depth camera, on the wire as a real robot would be.",
        "运行带夹爪的机械臂、两个彩色相机和一个深度相机，通信方式与真实机器人相同。",
        "embodied-kit robot sim --takes 3 --fault drop_frames@2 --log robot.jsonl",
    )
    return f"{text}\n\n\b\n{texts('Faults:', '故障：')}\n{names}"


def _describe(texts: Texts) -> click.Command:
    def run(directory: Path, faults: tuple[str, ...]) -> int:
        from embodied_recorders.sim import SimOptions, parse_fault  # noqa: PLC0415
        from embodied_recorders.sim.files import write_description  # noqa: PLC0415

        options = SimOptions(faults=tuple(parse_fault(fault) for fault in faults))
        for path in write_description(directory, options, time.time_ns()):
            click.echo(path)
        return 0

    return verb(
        "describe",
        run,
        params=[
            click.Argument(["directory"], type=click.Path(path_type=Path)),
            click.Option(
                ["--fault", "faults"], multiple=True, help=texts("wrong_unit declares it so.", "声明中的故障。")
            ),
        ],
        help_text=example(
            texts,
            "Write the simulated robot's robot.json, URDF, calibration and contract.",
            "写出仿真机器人的 robot.json、URDF、标定与采集约定。",
            "embodied-kit robot describe sim_arm",
        ),
    )


def _router(texts: Texts) -> click.Command:
    def run(endpoint: str) -> int:
        from embodied_recorders.loop.stop import stop_on_signals  # noqa: PLC0415  # arrows
        from embodied_recorders.transports import zenoh_router  # noqa: PLC0415

        with stop_on_signals() as switch, zenoh_router(endpoint):
            running = texts(f"zenoh router at {endpoint}; Ctrl-C stops it", f"zenoh 路由器：{endpoint}；Ctrl-C 停止")
            click.echo(running, err=True)
            while not switch.reason:
                time.sleep(_LOOK_S)
        return 0

    return verb(
        "router",
        run,
        params=[
            click.Option(
                ["--listen", "endpoint"],
                default="tcp/127.0.0.1:7447",
                show_default=True,
                help=texts("Where to listen.", "监听地址。"),
            )
        ],
        help_text=example(
            texts,
            "Be the zenoh router that nodes of rmw_zenoh ask who is there, where no rmw_zenohd runs.",
            "在没有 rmw_zenohd 时充当 rmw_zenoh 节点所需的 zenoh 路由器。",
            "embodied-kit robot router",
        ),
    )
