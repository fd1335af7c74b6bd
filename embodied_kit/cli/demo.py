"""`demo`: the whole chain on a machine without a robot."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.attest import sign
from embodied_kit.cli.judging import Judged, Judging, judged, judged_again, measured
from embodied_kit.cli.options import example, path_option, verb
from embodied_kit.cli.recording.gonogo import show_preflight
from embodied_kit.cli.recording.liveline import Ticker
from embodied_kit.cli.rendering import Presentation, render
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.episode.layout import write_whole
from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.rule import Level

if TYPE_CHECKING:
    from embodied_kit.model.stream import Sample
    from embodied_recorders.sim.follow import TakeFollower
    from embodied_recorders.take.session import Recorded, Session

TAKES = 3
FAILED_TAKE = 2
FAULTY_TAKE = 3
FAULT = f"drop_frames@{FAULTY_TAKE}"
LEVEL: Level = "L2"
DOMAIN_ID = 42
SEED = 7
GAP_S = 3.0  # of rest between takes: longer than it takes to close a file
LEAD_S = 10.0  # of rest before the first take: the recorder looks at the streams meanwhile


@dataclass(frozen=True)
class DemoFolders:
    """Where the demo puts things."""

    out: Path

    @property
    def robot(self) -> Path:
        """The robot's own documents and log."""
        return self.out / "sim_arm"

    @property
    def dataset(self) -> Path:
        """The dataset."""
        return self.out / "demo_ds"

    @property
    def keys(self) -> Path:
        """The key and trust file."""
        return self.out / "keys"

    @property
    def report(self) -> Path:
        """The page."""
        return self.out / "report.html"


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(out: Path, domain_id: int) -> int:
        return Demo(DemoFolders(out), domain_id, texts).run()

    return verb(
        "demo",
        run,
        params=[
            path_option(
                "--out",
                default="demo_out",
                help_text=texts("New folder for everything.", "存放全部结果的新文件夹。"),
            ),
            click.Option(
                ["--domain", "domain_id"],
                type=click.IntRange(0, 232),
                default=DOMAIN_ID,
                show_default=True,
                help=texts("ROS domain id of the simulated robot.", "仿真机器人的 ROS 域号。"),
            ),
        ],
        help_text=example(
            texts,
            "Run a simulated robot, record three takes over DDS, judge them, exclude the bad one, seal and attest.",
            "运行仿真机器人，经 DDS 采集三次，校验，剔除坏片段，封存，签署并核验符合性声明。",
            "embodied-kit demo --out demo_out",
        ),
    )


class Demo:
    """The steps of the demo, each told in one line as it begins.

    Args:
        folders: Where things go.
        domain_id: ROS domain of the robot.
        texts: Language.
    """

    def __init__(self, folders: DemoFolders, domain_id: int, texts: Texts) -> None:
        self._folders = folders
        self._domain_id = domain_id
        self._texts = texts

    def run(self) -> int:
        """Every step; the exit code is that of the verification."""
        if self._folders.out.exists() and any(self._folders.out.iterdir()):
            raise UsageError(f"expected a new folder, got {self._folders.out}", remedy="embodied-kit demo --out OTHER")
        self._record()
        judged = self._judge()
        self._exclude(judged)
        dataset = Dataset.open(self._folders.dataset)
        self._say("seal", "封存")
        dataset.seal("1.0.0", time.time_ns())
        code = self._attest_and_verify()
        self._report()
        self._tell_what_next()
        return code

    def _record(self) -> None:
        from embodied_recorders.sim import SimOptions, parse_fail_take, parse_fault, start  # noqa: PLC0415  # arrows
        from embodied_recorders.sim.files import create_sim_dataset, write_description  # noqa: PLC0415

        self._say(
            f"simulated robot: {TAKES} takes, the task fails in take {FAILED_TAKE},"
            f" the front camera loses frames in take {FAULTY_TAKE}",
            f"仿真机器人：{TAKES} 次采集，第 {FAILED_TAKE} 次任务失败，第 {FAULTY_TAKE} 次前置相机丢帧",
        )
        options = SimOptions(
            seed=SEED,
            domain_id=self._domain_id,
            takes=TAKES,
            lead_s=LEAD_S,
            gap_s=GAP_S,
            fail_takes=(parse_fail_take(str(FAILED_TAKE)),),
            faults=(parse_fault(FAULT),),
            log=str(self._folders.robot / "robot.jsonl"),
        )
        now_ns = time.time_ns()
        robot, contract = write_description(self._folders.robot, options, now_ns)
        dataset_id = uuid7(now_ns, secrets.randbits(74))
        dataset = create_sim_dataset(self._folders.dataset, robot, dataset_id=dataset_id, now_ns=now_ns)
        with start(options) as running:
            running.wait_ready()
            self._record_takes(dataset, contract)

    def _record_takes(self, dataset: Dataset, contract_path: Path) -> None:
        from embodied_kit.messages.definitions import TypeStore  # noqa: PLC0415
        from embodied_recorders.graph.contract import load_contract  # noqa: PLC0415
        from embodied_recorders.sim.files import HOST  # noqa: PLC0415
        from embodied_recorders.sim.follow import TakeFollower  # noqa: PLC0415
        from embodied_recorders.take.session import Session  # noqa: PLC0415
        from embodied_recorders.transports import open_transport  # noqa: PLC0415

        contract = load_contract(contract_path)
        graph = open_transport("dds", domain_id=self._domain_id)
        session = Session(graph, dataset, contract, TypeStore(), HOST)
        follower = TakeFollower()
        try:
            session.prepare()
            self._say("preflight: is every stream there, at its rate?", "预检：每路数据流是否在、频率是否相符？")
            self._preflight(session, follower)
            for number in follower.takes(session):
                self._say(f"take {number} of {TAKES}", f"第 {number}/{TAKES} 次采集")
                self._tell_take(self._take(session, follower))
        finally:
            session.close()
            graph.close()

    def _preflight(self, session: Session, follower: TakeFollower) -> None:
        """Wait until every stream is there at its rate; a robot on a busy machine may stay late, and is told so."""
        from embodied_recorders.graph.preflight import Preflight  # noqa: PLC0415

        def take(timeout_s: float) -> Sequence[Sample]:
            samples = session.idle(timeout_s)
            follower.see(samples)
            return samples

        preflight = Preflight(session.contract, session.transport, take)
        rows = preflight.look()
        while any(row.blocks for row in rows) and follower.take == 0:
            rows = preflight.look()
        unfit = [row for row in rows if row.blocks]
        if not unfit:
            return
        show_preflight(rows, self._texts)
        if not all(row.off_rate for row in unfit):
            raise EnvironmentUnfitError(
                "expected every stream of the simulated robot, got the rows above", remedy="embodied-kit doctor"
            )
        self._say(
            "this machine is too busy for the robot to keep time; its messages come late, and the verdict will say so",
            "本机过于繁忙，仿真机器人跟不上实时；消息会迟到，校验结果会如实反映",
        )

    def _take(self, session: Session, follower: TakeFollower) -> Recorded:
        from embodied_recorders.sim.annotate import annotate_take  # noqa: PLC0415
        from embodied_recorders.sim.files import OPERATOR, TASK_ID  # noqa: PLC0415
        from embodied_recorders.take.documents import TakeOptions  # noqa: PLC0415

        take = TakeOptions(
            TASK_ID, operator_pseudonym=OPERATOR, operator_skill_level="not_applicable", acquisition_mode="sim"
        )
        show = Ticker(self._texts).show
        done = session.record(take, follower.stop_when(), lambda _progress: follower.result(), show)
        annotate_take(session.dataset, done, follower.phases(), now_ns=time.time_ns())
        return done

    def _judge(self) -> Judged:
        self._say("validate", "校验")
        result = self._judged()
        how = Presentation("text", self._texts.language, level=LEVEL, colour=sys.stdout.isatty())
        click.echo(render(result, self._folders.dataset, how).decode(), nl=False)
        return result

    def _judged(self) -> Judged:
        facts = measured(self._folders.dataset, "full", self._texts, trust_index=True)
        return judged(self._folders.dataset, facts, Judging())

    def _exclude(self, result: Judged) -> None:
        """Leave out each episode that does not reach the level, for the rules that stand in its way."""
        from embodied_validators.attest.attest import obstacles  # noqa: PLC0415

        dataset = Dataset.open(self._folders.dataset)
        in_the_way: dict[str, list[str]] = {}
        for obstacle in obstacles(result.report, LEVEL):
            for scope in obstacle.scopes:
                in_the_way.setdefault(scope, []).append(f"{obstacle.rule_id} {obstacle.state}")
        for episode_id in sorted(in_the_way.keys() - {DATASET_SCOPE}):
            reason = ", ".join(in_the_way[episode_id])
            self._say(f"exclude {episode_id}: {reason}", f"剔除 {episode_id}：{reason}")
            dataset.exclude(episode_id, reason, time.time_ns())

    def _attest_and_verify(self) -> int:
        from embodied_validators.attest.keys import load_trust, new_key  # noqa: PLC0415
        from embodied_validators.attest.text import verification_text  # noqa: PLC0415
        from embodied_validators.attest.verify import verify  # noqa: PLC0415

        key = new_key(self._folders.keys, "demo_lab")
        self._say(f"attest {LEVEL}", f"签署 {LEVEL} 符合性声明")
        sign(self._folders.dataset, LEVEL, key.private, None, self._texts)
        self._say("verify", "核验")
        trust = load_trust(key.trust, dataset=self._folders.dataset)
        result = verify(self._folders.dataset, trust, now_ns=time.time_ns(), rejudge=judged_again)
        click.echo(verification_text(result, self._texts.language), nl=False)
        return result.exit_code

    def _report(self) -> None:
        page = render(self._judged(), self._folders.dataset, Presentation("html", self._texts.language))
        write_whole(self._folders.report, page)

    def _tell_what_next(self) -> None:
        dataset, trust = self._folders.dataset, self._folders.keys / "demo_lab.trust.json"
        rows = [
            (self._texts("dataset", "数据集"), str(dataset)),
            (self._texts("report, open it in a browser", "报告（用浏览器打开）"), str(self._folders.report)),
            (self._texts("trust file", "信任文件"), str(trust)),
            (self._texts("the robot's own log", "机器人自身日志"), str(self._folders.robot / "robot.jsonl")),
        ]
        click.echo()
        for what, where in rows:
            click.echo(f"  {what}: {where}")
        click.echo(self._texts("Try next:", "接下来可以试："))
        click.echo(f"  embodied-kit verify {dataset} --trust {trust} --rejudge")
        click.echo(f"  embodied-kit validate {dataset} --level L3")
        click.echo("  embodied-kit rules explain TM-07")

    def _tell_take(self, done: Recorded) -> None:
        outcome, seconds = done.closing["outcome"], done.closing["duration_s"]
        self._say(
            f"  {done.episode_id}  {seconds:.1f} s  {done.messages_n} messages  {outcome}",
            f"  {done.episode_id}  {seconds:.1f} 秒  {done.messages_n} 条消息  {outcome}",
        )

    def _say(self, en: str, zh: str) -> None:
        click.echo(self._texts(en, zh))
