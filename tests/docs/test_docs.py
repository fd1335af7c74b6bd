"""The pages: links lead somewhere, commands and rules exist, both languages say the same things in the same order."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from cli.verbs import run

from embodied_kit.cli.app import application
from embodied_kit.cli.texts import Texts
from embodied_validators.rulebook import load_rulebook

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CHINESE = DOCS / "zh"
PAGES = sorted(page for page in DOCS.rglob("*.md") if CHINESE not in page.parents)
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
MIRRORS = {page: CHINESE / page.relative_to(DOCS) for page in PAGES} | {
    ROOT / "CONTRIBUTING.md": ROOT / "CONTRIBUTING.zh.md"
}
WRITTEN = [*MIRRORS, *MIRRORS.values()]
EVERY = [*WRITTEN, *READMES]
DECISIONS = [page for page in WRITTEN if page.parent.name == "adr"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(embodied-kit [^`]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
RULE = re.compile(r"\b(?:ST|CT|TM|SR|KN|VS|DG|SM|PV|PR|DS)-\d\d\b")
SECTIONS = {
    "en": ["Context", "Decision", "Consequences", "Numbers"],
    "zh": ["背景", "决定", "后果", "数据"],
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    return [body for language, body in BLOCK.findall(text_of(page)) if language in languages]


def prose(page: Path) -> str:
    return BLOCK.sub("", text_of(page))


def headings(page: Path) -> list[tuple[int, str]]:
    return [(len(marks), title) for marks, title in HEADING.findall(prose(page))]


@dataclass(frozen=True)
class Shown:
    """A command of a page; `whole` where it can be typed as it stands, else only its verb and options are promised."""

    line: str
    whole: bool


def commands(page: Path) -> Iterator[Shown]:
    for body in blocks(page, "sh", "yaml"):
        for part in re.split(r"&&|\n", body.replace("\\\n", " ")):
            _, found, rest = part.partition("embodied-kit ")
            if found:
                yield Shown(rest, whole=True)
    for line in INLINE.findall(prose(page)):
        yield Shown(line.removeprefix("embodied-kit "), whole=False)


def parse(shown: Shown) -> None:
    """Hold a command line against the real program.

    Raises:
        click.ClickException: An unknown verb or option, a value that is none of the choices, too few arguments.
    """
    words = without_language(shlex.split(shown.line, comments=True))
    command: click.Command = application(Texts("en"))
    context = click.Context(command)
    while isinstance(command, click.Group) and words:
        word = words.pop(0)
        found = command.get_command(context, word)
        if found is None:
            raise click.UsageError(f"no verb {word!r}")
        command, context = found, click.Context(found, parent=context)
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False  # a page may name files that are not here
    if shown.whole:
        command.make_context(command.name, words)
    else:
        command.make_parser(context).parse_args(words)


def problem_of(shown: Shown) -> str:
    """What is wrong with a command, with its line; empty for nothing."""
    try:
        parse(shown)
    except click.ClickException as error:
        return f"{shown.line}: {error.format_message()}"
    return ""


def without_language(words: list[str]) -> list[str]:
    """`--lang` may stand anywhere and is taken before click sees the line."""
    if "--lang" not in words:
        return words
    at = words.index("--lang")
    return words[:at] + words[at + 2 :]


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page)) if "://" not in link and not link.startswith("mailto:")]
    assert links, "a page without a link is a dead end"
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_every_command_is_one_of_the_program(page: Path) -> None:
    assert [problem for problem in map(problem_of, commands(page)) if problem] == []


def test_commands_are_found_and_wrong_ones_refused() -> None:
    found = [shown for page in EVERY for shown in commands(page)]
    assert sum(shown.whole for shown in found) > 60
    assert sum(not shown.whole for shown in found) > 20
    for line in ("judge my_ds", "validate my_ds --levle L2", "validate my_ds --level L9", "dataset burn my_ds"):
        with pytest.raises(click.ClickException):
            parse(Shown(line, whole=True))
    with pytest.raises(click.ClickException):
        parse(Shown("validate --levle L2", whole=False))


def test_the_tutorial_uses_every_verb_of_the_chain() -> None:
    verbs = {" ".join(shown.line.split()[:2]) for shown in commands(DOCS / "tutorial.md") if shown.whole}
    firsts = {verb.split()[0] for verb in verbs}
    assert {"doctor", "record", "validate", "attest", "verify"} <= firsts
    assert {"robot sim", "dataset init", "contract check", "dataset exclude", "dataset seal", "keys new"} <= verbs


@pytest.mark.parametrize("page", READMES, ids=name_of)
def test_a_readme_shows_what_the_program_prints_today(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = next(item for item in commands(page) if "sample_episodes" in item.line)
    language = "zh" if ".zh" in page.name else "en"
    words = without_language(shlex.split(shown.line))
    words[1] = str(ROOT / words[1])
    printed = run("--lang", language, *words)
    (block,) = blocks(page, "text")
    at = 0
    for part in block.split("...\n"):  # lines left out
        at = printed.out.find(part, at)
        assert at >= 0, f"{part}\n--- is not in ---\n{printed.out}"
    assert printed.code == 1


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_every_rule_that_is_named_exists(page: Path) -> None:
    assert set(RULE.findall(text_of(page))) <= set(load_rulebook().rules)


def test_no_page_lacks_its_mirror() -> None:
    assert set(CHINESE.rglob("*.md")) == {mirror for mirror in MIRRORS.values() if CHINESE in mirror.parents}


@pytest.mark.parametrize("page", MIRRORS, ids=name_of)
def test_both_languages_have_the_same_headings_commands_and_rules(page: Path) -> None:
    mirror = MIRRORS[page]
    assert [level for level, _ in headings(page)] == [level for level, _ in headings(mirror)]
    assert blocks(page, "sh", "python", "yaml") == blocks(mirror, "sh", "python", "yaml")
    assert set(RULE.findall(text_of(page))) == set(RULE.findall(text_of(mirror)))
    assert re.search("[\u4e00-\u9fff]", prose(mirror))


@pytest.mark.parametrize("page", MIRRORS, ids=name_of)
def test_each_page_names_its_other_language(page: Path) -> None:
    mirror = MIRRORS[page]
    for here, there in ((page, mirror), (mirror, page)):
        targets = [(here.parent / link).resolve() for link in LINK.findall(prose(here))]
        assert there in targets, name_of(here)


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_has_its_sections(page: Path) -> None:
    language = "zh" if CHINESE in page.parents else "en"
    assert [title for level, title in headings(page) if level == 2] == SECTIONS[language]
    (level, title), *_ = headings(page)
    assert level == 1
    assert title.startswith(page.name[:4] + " ")


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(page.name[:4]) for page in PAGES if page.parent.name == "adr"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 5


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_nothing_is_called_certified(page: Path) -> None:
    for word in ("is certified", "certified to", "已通过认证", "已获认证"):
        assert word not in text_of(page)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_yaml_on_a_page_can_be_read(page: Path) -> None:
    for body in blocks(page, "yaml"):
        assert yaml.safe_load(body)


def test_the_workflows_are_the_same_in_both_languages_and_name_real_hooks() -> None:
    page = DOCS / "how-to" / "judge-in-ci.md"
    workflows = [yaml.safe_load(body) for body in blocks(page, "yaml")]
    assert workflows == [yaml.safe_load(body) for body in blocks(MIRRORS[page], "yaml")]
    jobs = [job for workflow in workflows for job in workflow.get("jobs", {}).values()]
    assert all({"uses", "run"} & step.keys() for job in jobs for step in job["steps"])
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    used = {hook["id"] for workflow in workflows for repo in workflow.get("repos", ()) for hook in repo["hooks"]}
    assert used
    assert used <= hooks
