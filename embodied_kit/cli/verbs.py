"""The program's verbs and its own help: read at every start, so it imports next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from embodied_kit.cli.texts import Texts

PROGRAM = "embodied-kit"


@dataclass(frozen=True)
class Verb:
    """One verb: the module whose `build(texts)` makes its command, and one line about it in both languages."""

    module: str
    en: str
    zh: str


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "demo": Verb(
            "demo", "Record, judge and attest with a simulated robot", "用仿真机器人走完全程：采集、校验、声明"
        ),
        "doctor": Verb("doctor", "What this machine lacks, and how to mend it", "检查本机缺什么、如何补齐"),
        "robot": Verb("robot", "A robot without a robot", "没有机器人时的仿真机器人"),
        "contract": Verb("contract", "Draft and check what a robot must publish", "起草并检查采集约定"),
        "record": Verb("record", "Record episodes from a live ROS 2 graph", "从 ROS 2 通信图采集片段"),
        "recover": Verb("recover", "Bring back unfinished takes, or one damaged MCAP", "恢复未完成的采集或损坏的 MCAP"),
        "dataset": Verb(
            "dataset", "Make, list, exclude from, rebuild and seal datasets", "新建、查看、剔除、重建、封存数据集"
        ),
        "import": Verb("importer", "Bring foreign recordings into a dataset", "导入其他格式的录制数据"),
        "measure": Verb("measure", "Measure a dataset, episode, MCAP or bag into facts", "测量数据，得到事实表"),
        "validate": Verb("validate", "Judge a dataset, episode, MCAP or bag", "校验数据集、片段、MCAP 或 bag"),
        "report": Verb("report", "Show kept reports again, and compare two", "重新展示已保存的报告，或比较两份报告"),
        "rules": Verb("rules", "List and explain the rules", "列出并解释规则"),
        "completion": Verb("completion", "Complete verbs, options and paths in a shell", "Shell 补全"),
        "keys": Verb("keys", "Make signing keys", "生成签名密钥"),
        "attest": Verb("attest", "Sign a conformity attestation of a sealed dataset", "为已封存的数据集签署符合性声明"),
        "certify": Verb("attest", "The same as attest", "与 attest 相同"),
        "verify": Verb("verify", "Check files and attestation, offline", "离线核验文件与符合性声明"),
    }
)

_OPTIONS = (
    ("--lang en|zh", "Language of all output", "输出语言"),
    ("--version", "Version of the program", "程序版本"),
    ("-h, --help", "This overview; after a verb, its options and an example", "本概览；写在动词之后则显示其选项与示例"),
)


def overview(texts: Texts) -> str:
    """What the program is for, its options and verbs."""
    return "\n".join(
        (
            f"{texts('Usage', '用法')}: {PROGRAM} [OPTIONS] VERB ...",
            "",
            texts(
                "  Record robot-learning episodes, judge them, attest them.",
                "  采集机器人学习数据，校验，并签署符合性声明。",
            ),
            texts(
                f"  First steps: {PROGRAM} doctor, then {PROGRAM} demo.",
                f"  第一步：{PROGRAM} doctor，然后 {PROGRAM} demo。",
            ),
            "",
            texts("Options:", "选项："),
            *_table([(name, texts(en, zh)) for name, en, zh in _OPTIONS]),
            "",
            texts("Verbs:", "动词："),
            *_table([(name, texts(verb.en, verb.zh)) for name, verb in VERBS.items()]),
        )
    )


def _table(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {text}" for name, text in rows]
