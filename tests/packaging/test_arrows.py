"""Arrows of the rooms: recorders -> embodied_kit <- validators, counting every import, also inside functions."""

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from clone import ROOT, module_name, modules

ROOMS = ("embodied_kit", "embodied_recorders", "embodied_validators")
LOADERS = {"import_module", "__import__", "find_spec", "run_module", "files"}


def named(node: ast.AST, module: str) -> Iterator[str]:
    """Dotted names that a node imports, written as statements or handed to a loader as text."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = module.split(".")[: -node.level] if node.level else []
        yield ".".join([*parents, *([node.module] if node.module else [])])
    elif isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [part for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Constant)]
        if called in LOADERS:
            yield from (str(text.value) for text in texts)


def walk(tree: ast.AST, *, late: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs late: in a function, or for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        inside = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or for_types(node)
        yield node, inside
        yield from walk(node, late=inside)


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def wrong_arrows(source: str, module: str) -> list[str]:
    """Rooms that a module may not import, or not where it does."""
    home, is_cli = module.partition(".")[0], module.startswith("embodied_kit.cli.")
    allowed = {home, "embodied_kit"}
    found = []
    for node, late in walk(ast.parse(source)):
        for name in named(node, module):
            room = name.partition(".")[0]
            if room in ROOMS and room not in allowed and not (is_cli and late):
                found.append(f"{module} imports {name}")
            if home != "embodied_kit" and name.startswith("embodied_kit.cli"):
                found.append(f"{module} imports {name}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_imports_against_an_arrow(path: Path) -> None:
    assert wrong_arrows(path.read_text(encoding="utf-8"), module_name(path)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("embodied_kit.mcap.reader", "import embodied_recorders"),
        ("embodied_kit.mcap.reader", "import os, embodied_validators.judge as j"),
        ("embodied_kit.mcap.reader", "def f():\n    from embodied_validators.judge import judge"),
        ("embodied_kit.mcap.reader", "if TYPE_CHECKING:\n    from embodied_validators.judge import judge"),
        ("embodied_kit.mcap.reader", "class A:\n    async def f(self):\n        import embodied_recorders.sim"),
        ("embodied_kit.mcap.reader", "def f():\n    importlib.import_module('embodied_recorders.sim')"),
        ("embodied_kit.mcap.reader", "def f(x):\n    import_module(f'embodied_validators.{x}')"),
        ("embodied_kit.cli.validate", "from embodied_validators import judge"),
        ("embodied_kit.cli.validate", "class A:\n    from embodied_validators import judge"),
        ("embodied_kit.cli.validate", "try:\n    import embodied_recorders\nexcept ImportError:\n    pass"),
        ("embodied_recorders.take.session", "def f():\n    from embodied_validators.judge import judge"),
        ("embodied_recorders.take.session", "def f():\n    from embodied_kit.cli.texts import Texts"),
        ("embodied_validators.judge", "from embodied_recorders import contract"),
        ("embodied_validators.judge.engine", "lambda: __import__('embodied_recorders')"),
    ],
)
def test_an_import_against_an_arrow_is_seen(module: str, source: str) -> None:
    assert len(wrong_arrows(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("embodied_kit.cli.validate", "def f():\n    from embodied_validators.judge import judge"),
        ("embodied_kit.cli.judging", "if TYPE_CHECKING:\n    from embodied_validators.report.info import SubjectInfo"),
        ("embodied_recorders.take.session", "from embodied_kit.episode import take\nimport embodied_kit.errors"),
        ("embodied_validators.judge.engine", "from . import lines\nfrom .. import profiles\nimport embodied_kit"),
    ],
)
def test_an_import_along_an_arrow_is_let_through(module: str, source: str) -> None:
    assert wrong_arrows(dedent(source), module) == []


def test_relative_imports_are_resolved() -> None:
    node = ast.parse("from ..judge import lines").body[0]
    assert list(named(node, "embodied_validators.report.text")) == ["embodied_validators.judge"]
