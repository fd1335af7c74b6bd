"""What holds for the files of the clone: sizes, no trace of one machine, one ROS 2 package, README's two commands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from catkin_pkg.package import parse_package
from clone import PACKAGES, ROOT, modules, tracked

from embodied_kit import __version__

MOST_LINES = 400
# Written in pieces, so that this file does not name what it forbids.
REGISTRIES = (
    "pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "anaconda" + ".org", "crates" + ".io",
    "golang" + ".org", "tuna.tsinghua" + ".edu", "aliyun" + ".com",
)  # fmt: skip
MACHINE = ("/work" + "/", "." + "pyenv", "/root" + "/.", "/home" + "/", "/opt" + "/wheels", "/Users" + "/")
FOREIGN = re.compile("|".join(map(re.escape, (*REGISTRIES, *MACHINE))))


def texts() -> list[Path]:
    """Tracked files without binary data."""
    return [path for path in tracked() if b"\0" not in (ROOT / path).read_bytes()[:8192]]


def test_the_clone_is_listed() -> None:
    assert {Path("setup.py"), Path("README.md"), Path(".ci/run"), Path("schemas/v1/dataset.schema.json")} <= set(
        tracked()
    )


def test_no_tracked_file_names_a_registry_or_one_machines_paths() -> None:
    found = []
    for path in texts():
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
            found += [f"{path}:{number}: {match.group()}" for match in FOREIGN.finditer(line)]
    assert found == []


@pytest.mark.parametrize("line", ["--index-url https://" + REGISTRIES[0] + "/simple", "cd " + MACHINE[0] + "main"])
def test_such_a_line_is_seen(line: str) -> None:
    assert FOREIGN.search(line)


def test_no_module_has_more_than_400_lines() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {path.relative_to(ROOT).as_posix(): count for path, count in lines.items() if count > MOST_LINES} == {}


def test_every_package_is_typed() -> None:
    for folder in PACKAGES.values():
        assert (folder / "py.typed").is_file()


def test_every_folder_with_modules_is_a_package() -> None:
    assert [path for path in modules() if not (path.parent / "__init__.py").is_file()] == []


def test_no_file_is_tracked_that_a_build_or_a_run_makes() -> None:
    made = re.compile(r"(^|/)(build|dist|__pycache__|\.venv|\.hypothesis|[^/]*\.egg-info)/|\.(pyc|partial|whl)$")
    assert [path for path in tracked() if made.search(path.as_posix())] == []


def test_the_root_is_a_ros2_package_that_agrees_with_setup() -> None:
    warnings: list[str] = []
    package = parse_package(str(ROOT / "package.xml"), warnings=warnings)
    package.validate(warnings=warnings)
    assert warnings == []
    assert (package.name, package.version) == ("embodied_kit", __version__)
    assert package.get_build_type() == "ament_python"
    assert package.licenses == ["Apache-2.0"]
    assert (ROOT / "resource" / package.name).is_file()
    assert setup("--name", "--version", "--license") == [package.name, package.version, package.licenses[0]]
    assert [path for path in tracked() if path.name == "package.xml"] == [Path("package.xml")]


def setup(*questions: str) -> list[str]:
    """What setup.py answers; the build system is not needed for it."""
    code = (
        "import sys, types, runpy; answers = {}\n"
        "fake = types.ModuleType('setuptools')\n"
        "fake.setup = lambda **given: answers.update(given); fake.find_packages = lambda *a, **k: []\n"
        "sys.modules['setuptools'] = fake; runpy.run_path('setup.py')\n"
        "print(*(answers[name.strip('-')] for name in sys.argv[1:]), sep='\\n')"
    )
    command = [sys.executable, "-c", code, *questions]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    for readme in ("README.md", "README.zh.md"):
        command = [sys.executable, ".ci/readme_commands.py", readme]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        main_job, tests = done.stdout.splitlines()
        assert main_job == (
            "python3 -m venv .venv && .venv/bin/pip install -q -e '.[sim]' && .venv/bin/embodied-kit demo"
        )
        assert tests == (
            "python3 -m venv .venv && .venv/bin/pip install -q -e '.[sim,test]' && .venv/bin/python -m pytest"
        )


def test_a_readme_without_them_is_an_error(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("```sh\npython3 -m venv .venv && .venv/bin/embodied-kit demo\n```\n", encoding="utf-8")
    command = [sys.executable, ".ci/readme_commands.py", str(readme)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "expected two commands" in done.stderr
