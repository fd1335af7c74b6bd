"""Completion in a real bash; the other shells' scripts name our program and are what click makes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli.verbs import run

from embodied_kit.cli.completion import SHELLS, VARIABLE
from embodied_kit.cli.verbs import VERBS

ROOT = Path(__file__).resolve().parents[2]
BASH = shutil.which("bash")
ASK = """
compopt() { :; }   # of no use outside of an interactive shell
source "$1"
COMP_WORDS=(embodied-kit "${@:2}"); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_embodied_kit_completion embodied-kit
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder for PATH that holds the program, with the completion of bash beside it."""
    paths = [str(ROOT / folder) for folder in (".", "recorders", "validators")]
    start = f"#!{sys.executable}\nimport sys\nsys.path[:0] = {paths!r}\nfrom embodied_kit.cli import main\n"
    script = tmp_path / "embodied-kit"
    script.write_text(start + "sys.exit(main())\n", encoding="utf-8")
    script.chmod(0o755)
    (tmp_path / "completion.bash").write_text(run("completion", "bash").out, encoding="utf-8")
    return tmp_path


def completed(program: Path, *words: str) -> list[str]:
    environment = {**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "EMBODIED_KIT_LANG": "en"}
    done = subprocess.run(
        [str(BASH), "--norc", "-c", ASK, "bash", str(program / "completion.bash"), *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="no bash on this machine")
def test_bash_completes_verbs_options_and_choices(program: Path) -> None:
    assert completed(program, "") == list(VERBS)
    assert completed(program, "re") == ["record", "recover", "report"]
    assert completed(program, "report", "") == ["diff", "show"]
    assert completed(program, "validate", "--format", "j") == ["json", "jsonl", "junit"]
    assert completed(program, "--lang", "zh", "validate", "--lev") == ["--level"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_its_script(shell: str) -> None:
    shown = run("completion", shell)
    assert shown.code == 0
    assert f"{VARIABLE}={shell}_complete" in shown.out
    assert "embodied-kit" in shown.out


def test_another_shell_is_a_usage_error() -> None:
    assert run("completion", "tcsh").code == 2
