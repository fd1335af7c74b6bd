"""Imports on a machine that lacks what is heavy or optional: only the parts that need it ask for it."""

import re
from pathlib import Path

from clone import PACKAGES, ROOT, module_name, modules, python

OPTIONAL = ("rclpy", "open3d", "mujoco", "cyclonedds", "zenoh", "xxhash", "starlette", "uvicorn", "websockets")
MAY_NEED_THEM = re.compile(r"^embodied_recorders\.(sim|transports\.(dds|zenoh)|console\.(client|server))(\.|$)")
BLOCK = f"""
import importlib, importlib.abc
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name.partition(".")[0])
sys.meta_path.insert(0, Block())
"""
ROOMS = (ROOT, ROOT / "recorders", ROOT / "validators")


def test_the_three_packages_import_without_optional_libraries(tmp_path: Path) -> None:
    code = f"{BLOCK}\nimport embodied_kit, embodied_validators, embodied_recorders, embodied_kit.cli\nprint('imported')"
    done = python(code, *ROOMS, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("imported\n", "")


def test_the_block_holds(tmp_path: Path) -> None:
    for name in OPTIONAL:
        done = python(f"{BLOCK}\nimport {name}", *ROOMS, cwd=tmp_path)
        assert f"No module named '{name}'" in done.stderr


def test_only_the_simulator_and_the_transports_need_them(tmp_path: Path) -> None:
    names = [module_name(path) for path in modules() if path.name != "__main__.py"]
    code = f"""{BLOCK}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name, error.name)
"""
    done = python(code, *ROOMS, cwd=tmp_path, arguments=tuple(names))
    assert done.returncode == 0, done.stderr
    failed = dict(line.split() for line in done.stdout.splitlines())
    assert {name: missing for name, missing in failed.items() if not MAY_NEED_THEM.match(name)} == {}
    assert set(failed.values()) <= set(OPTIONAL)


def test_every_module_imports_where_they_are_installed(tmp_path: Path) -> None:
    names = [module_name(path) for path in modules() if path.name != "__main__.py"]
    code = "import importlib\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(len(sys.argv) - 1)"
    done = python(code, *ROOMS, cwd=tmp_path, arguments=tuple(names))
    assert (done.stdout, done.stderr) == (f"{len(names)}\n", "")
    assert len(names) > len(PACKAGES)
