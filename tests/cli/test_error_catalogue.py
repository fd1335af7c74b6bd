"""Every message and remedy of an error, wherever it is raised, has its Chinese; no entry is left over."""

import errno
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.error_sites import ROOT, Site, sites
from cli.verbs import VERBS, run

from embodied_kit.cli.sentences import catalogue, told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.spec import check

CHINESE = Texts("zh")
HAN = re.compile(r"[\u4e00-\u9fff]")
NO_WORDS = {"{0}：{1}", "--version：{0}", "{1}：{2}（errno {0}）", "{1}（errno {0}）"}
PLACEHOLDER = re.compile(r"\{\d+\}")
OUR_COMMAND = re.compile(
    rf"embodied-kit (?:{'|'.join(' '.join(words) for words in VERBS)})(?: (?:-{{1,2}}\w+|[A-Z_]+|\{{\d\}}))*"
)
OTHER_COMMANDS = {
    "--console 127.0.0.1:0",
    "--joy /joy --buttons start=0,stop=1",
    "--pedal /pedal=toggle",
    "--profile FILE",
    "--reason 'camera lost frames'",
    "--reason 'gripper slipped'",
    "--robot left=/left",
    "export ROS_DOMAIN_ID=0   # 0..{0}",
    "export {0}=10",
    "pip install 'embodied_kit[{0}]'",
    "sudo apt install ros-$ROS_DISTRO-lifecycle-msgs",
    "pip install 'embodied_kit[zenoh]'",
    "python3.12 -m venv .venv",
    "ros2 param describe",
    "ros2 run embodied_kit episode_recorder_node --ros-args -p contract:=C -p dataset:=D -p task:=T",
    "sqlite3 {0} 'PRAGMA wal_checkpoint(TRUNCATE)'",
    "sudo apt install ros-$ROS_DISTRO-std-srvs",
    "sudo chown {0} {1}",
    "sudo sysctl -w net.core.rmem_max={0}",
    "sudo timedatectl set-ntp true",
    "timedatectl status",
}
"""What is typed is the same in both languages."""


@pytest.fixture(scope="module")
def found() -> list[Site]:
    return sites()


def is_command(template: str) -> bool:
    return template in OTHER_COMMANDS or OUR_COMMAND.fullmatch(template) is not None


def english(group: str) -> list[str]:
    return [entry["en"] for entry in catalogue()[group]]


def test_every_sentence_has_its_chinese(found: list[Site]) -> None:
    assert len(found) > 400
    known = {False: set(english("sentences")), True: set(english("parts"))}
    missing = {
        site.template: site.place
        for site in found
        if site.template not in known[site.is_part] and not is_command(site.template)
    }
    assert missing == {}, "add them to embodied_kit/cli/errors.zh.yaml, each under sentences or parts"


def test_the_source_shows_every_sentence(found: list[Site]) -> None:
    assert [site.place for site in found if not site.template] == [], "write the text where the error is raised"


@pytest.mark.parametrize("group", ["sentences", "parts"])
def test_no_entry_is_left_over(group: str, found: list[Site]) -> None:
    used = {site.template for site in found if site.is_part == (group == "parts")}
    assert [text for text in english(group) if text not in used] == []


def test_no_command_is_left_over(found: list[Site]) -> None:
    assert OTHER_COMMANDS - {site.template for site in found} == set()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems say it in other words")
def test_what_the_system_says_is_said_by_it() -> None:
    said = {os.strerror(number) for number in errno.errorcode} | {"[Errno {0}] {1}: {2}", "[Errno {0}] {1}"}
    assert [text for text in english("system") if text not in said] == []


def entries() -> Iterator[tuple[str, str]]:
    return ((entry["en"], entry["zh"]) for group in catalogue().values() for entry in group)


def test_entries_are_chinese_unique_and_keep_their_placeholders() -> None:
    texts = list(entries())
    assert [text for text, count in Counter(text for text, _ in texts).items() if count > 1] == []
    for sentence, chinese in texts:
        assert Counter(PLACEHOLDER.findall(sentence)) == Counter(PLACEHOLDER.findall(chinese)), sentence
        assert HAN.search(chinese) or chinese in NO_WORDS, sentence
        assert not re.search(r"[\u4e00-\u9fff] ?[,;:?!()]|[,;?!(] ?[\u4e00-\u9fff]", chinese), chinese


def test_what_is_typed_stays_in_chinese() -> None:
    for sentence, chinese in entries():
        for command in re.findall(r"embodied-kit(?: (?:[a-z]+|-{1,2}\w+|[A-Z_]{2,}))*", sentence):
            words = command.split()
            while len(words) > 1 and tuple(words[1:]) not in VERBS and words[-1].islower() and words[-1].isalpha():
                words.pop()
            assert " ".join(words) in chinese, sentence
        for option in re.findall(r"--[a-z]+", sentence):
            assert option in chinese, sentence


def test_each_sentence_is_told_by_its_own_entry() -> None:
    """A more general entry must not take the sentence of a more special one."""
    for entry in catalogue()["sentences"]:
        places = PLACEHOLDER.findall(entry["en"])
        filled, wanted = entry["en"], entry["zh"]
        for index, place in enumerate(places):
            filled, wanted = (text.replace(place, f"<{index}>") for text in (filled, wanted))
        assert told(filled, CHINESE) == wanted
        assert told(filled, Texts("en")) == filled


def test_an_unknown_sentence_stays_english() -> None:
    assert told("somebody else's sentence {x}", CHINESE) == "somebody else's sentence {x}"
    assert told("", CHINESE) == ""


@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        (
            "expected a contract in a.yaml, got 2 problem(s); first: /streams/0/x expected 'x', got nothing",
            "a.yaml 不是有效的采集约定：有 2 处问题；首处：/streams/0/x 应为 'x'，实为 缺失",
        ),
        (
            "k.json is no trust file: expected each key once",
            "k.json 不是信任文件：每个密钥只应出现一次",
        ),
        (
            f"expected a readable file, got {FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), 'a.mcap')}",
            "应为可读文件，实为 文件或文件夹不存在：'a.mcap'（errno 2）",
        ),
        ("p.yaml, rule TM-07: expected text in title.zh, got none", "p.yaml，规则 TM-07：title.zh 应为文本，实际没有"),
        ("expected a rule id, got 'nothing here'", "应为规则编号，实为 'nothing here'"),
        ("the robot ended with code {0}", "仿真机器人以代码 {0} 结束"),
    ],
)
def test_a_sentence_inside_a_sentence_is_told_and_a_foreign_text_is_not(message: str, chinese: str) -> None:
    assert told(message, CHINESE) == chinese


def invalid_documents() -> list[tuple[str, Path]]:
    folder = ROOT / "schemas/v1/examples/invalid"
    return [(path.parent.name, path) for path in sorted(folder.glob("*/*.json")) if ".expect" not in path.name]


def test_the_problems_of_a_document_are_told_as_the_schema_tells_them() -> None:
    seen = set()
    for kind, path in invalid_documents():
        for problem in check(kind, json.loads(path.read_bytes())):
            if " like " not in problem.message:  # a pattern: its title is the schema's, not ours
                seen.add(problem.keyword)
                assert told(problem.message, CHINESE) == problem.message_zh
    assert seen >= {"required", "type", "enum", "minimum", "minItems"}


def test_the_program_tells_its_errors_in_chinese(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    shown = run("validate", str(absent), "--lang", "zh")
    assert shown.code == 2
    assert (
        shown.err
        == f"错误: 路径应存在，实为 {absent}\n  -> 给出数据集文件夹、片段文件夹、.mcap 文件或 rosbag2 文件夹\n"
    )
    assert HAN.search(run("validate", str(absent), "--lang", "en").err) is None


def test_a_catalogue_that_cannot_be_read_leaves_english(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("embodied_kit.cli.sentences._phrases", refuse)
    error = EmbodiedKitError("expected one subject")
    assert told(error.message, CHINESE) == "expected one subject"


RAISES = """
from embodied_kit.errors import DataError, EmbodiedKitError

HOW = "mend " + "it"

class OwnError(DataError): ...

class WordyError(DataError):
    def __init__(self, what):
        super().__init__(f"no {what} here", remedy=f"bring {what!r}")

def fail(number, found):
    where = f"line {number}, at {found}"
    raise OwnError(f"expected {where}: {found or 'not a thing'}", remedy=HOW if number else "leave it")

def tell(message):
    return EmbodiedKitError(message + "!")

def use(other):
    tell("so what")
    tell(f"{other} said")
    raise WordyError("good thing") from DataError(other.message, remedy=other.text())
"""


def test_the_reader_of_the_source_finds_what_is_raised() -> None:
    source = RAISES.replace(
        "class OwnError",
        "class EmbodiedKitError(Exception): ...\nclass DataError(EmbodiedKitError): ...\nclass OwnError",
    )
    shown = sites([("room/module.py", source)])
    assert {site.template for site in shown if not site.is_part} == {
        "no {0} here",
        "bring {0}",
        "expected {0}: {1}",
        "mend it",
        "leave it",
        "so what!",
        "{0} said!",
        "",  # other.text() is shown by no source
    }
    assert {site.template for site in shown if site.is_part} == {"line {0}, at {1}", "not a thing", "good thing"}
