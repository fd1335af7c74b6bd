"""The sentences of our errors, found in the source: what a raise passes as message or remedy, as templates.

What an f-string fills in becomes `{0}`, `{1}`, ... in order of appearance. A name is followed to the texts that it is
bound to: in the function, in the module, or at the calls of the helper whose parameter it is.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from embodied_kit.phrases import MIN_LETTERS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("embodied_kit", "recorders/embodied_recorders", "validators/embodied_validators")
ROOT_CLASS = "EmbodiedKitError"
CARRIERS = {"WriterFailure": (0, 1), "CheckRow": (3,)}
"""Records whose arguments at these positions are told as message or remedy: they cross a process, or are a row."""
WORDS = "_Words"
"""Record of what a schema asks for in both languages: errors quote its English."""
HOLE = "\0"
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True)
class Site:
    """A sentence, or a part that fills a hole of one, and where it stands.

    `template` is empty where the source does not show the text.
    """

    template: str
    place: str
    is_part: bool = False


def sites(sources: Sequence[tuple[str, str]] | None = None) -> list[Site]:
    """Every sentence of an error, remedies included, in order of the source.

    Args:
        sources: Path and text of each module; those of the three packages where left out.
    """
    reader = _Reader([_Module(path, ast.parse(text)) for path, text in sources or _sources()])
    return list(dict.fromkeys(site for module in reader.modules for site in reader.sites_of(module)))


def _sources() -> list[tuple[str, str]]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


@dataclass
class _Module:
    """One source file: its calls and classes, and for each node the scopes around it, innermost first."""

    path: str
    tree: ast.Module
    calls: list[ast.Call] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)
    scopes: dict[ast.AST, tuple[Scope, ...]] = field(default_factory=dict)
    class_of: dict[ast.AST, str] = field(default_factory=dict)
    bound: dict[tuple[Scope, str], list[ast.expr]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._visit(self.tree, (self.tree,), "")

    def _visit(self, node: ast.AST, scopes: tuple[Scope, ...], owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            self.scopes[child], self.class_of[child] = scopes, owner
            if isinstance(child, ast.Call):
                self.calls.append(child)
            for target in _targets(child):
                self.bound[scopes[0], target].append(child.value)  # type: ignore[attr-defined]  # an assignment
            if isinstance(child, ast.ClassDef):
                self.classes.append(child)
                self._visit(child, scopes, child.name)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                self._visit(child, (child, *scopes), owner)
            else:
                self._visit(child, scopes, owner)


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return (
        [node.target.id] if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name) else []
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class _Reader:
    def __init__(self, modules: Sequence[_Module]) -> None:
        self.modules = modules
        self.calls: dict[str, list[tuple[_Module, ast.Call]]] = defaultdict(list)
        for module in modules:
            for call in module.calls:
                self.calls[_name(call.func)].append((module, call))
        self.own_init: set[str] = set()
        self.plain = self._error_classes()
        self._open: set[ast.expr] = set()
        self._parts: list[str] = []

    def _error_classes(self) -> set[str]:
        """Error classes that take message and remedy; those with an `__init__` of their own go to `own_init`."""
        nodes = [node for module in self.modules for node in module.classes]
        known = {ROOT_CLASS}
        while more := {node.name for node in nodes if known & set(map(_name, node.bases))} - known:
            known |= more
        for node in nodes:
            if node.name in known - {ROOT_CLASS} and "__init__" in {getattr(part, "name", "") for part in node.body}:
                self.own_init.add(node.name)
        return known - self.own_init

    def sites_of(self, module: _Module) -> Iterator[Site]:
        """The sentences that a module passes on."""
        for call in module.calls:
            place = f"{module.path}:{call.lineno}"
            if _name(call.func) == WORDS and call.args:
                words = self._texts(call.args[0], module) or []
                yield from (Site(_numbered(text), place, is_part=True) for text in words if _is_worded(text))
            for sentence in self._sentences(call, module):
                self._parts = []
                texts = self._texts(sentence, module)
                yield from (
                    [Site("", place)] if texts is None else [Site(_numbered(text), place) for text in texts if text]
                )
                yield from [Site(_numbered(text), place, is_part=True) for text in self._parts]

    def _sentences(self, call: ast.Call, module: _Module) -> list[ast.expr]:
        """Arguments that are told as message or remedy; what is passed on from another error is not a new one."""
        name = _name(call.func)
        if name == "__init__" and module.class_of[call] in self.own_init:
            name = ROOT_CLASS
        wanted = (0,) if name in self.plain else CARRIERS.get(name, ())
        found = [call.args[index] for index in wanted if index < len(call.args)]
        found += [word.value for word in call.keywords if wanted and word.arg in {"message", "remedy"}]
        return [part for part in found if not (isinstance(part, ast.Attribute) and part.attr in {"message", "remedy"})]

    def _texts(self, node: ast.expr, module: _Module) -> list[str] | None:
        """Texts that an expression may have; None where the source does not show one."""
        if node in self._open:  # bound to itself: `text = f"{text}, and more"`
            return None
        self._open.add(node)
        try:
            return self._read(node, module)
        finally:
            self._open.remove(node)

    def _read(self, node: ast.expr, module: _Module) -> list[str] | None:
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return _joined([self._filling(part, module) for part in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return _joined([self._texts(node.left, module), self._texts(node.right, module)])
        found = [self._texts(each, where) for where, each in self._leaves(node, module)]
        return [text for texts in found for text in texts or []] if found and None not in found else None

    def _filling(self, part: ast.expr, module: _Module) -> list[str]:
        """What stands for one part of an f-string: its text, or a hole; the texts that may fill the hole are kept."""
        if not isinstance(part, ast.FormattedValue):
            return self._texts(part, module) or []
        found = [self._texts(each, where) or [] for where, each in self._leaves(part.value, module)]
        self._parts += [text for texts in found for text in texts if " " in text.strip() and _is_worded(text)]
        return [HOLE]

    def _leaves(self, node: ast.expr, module: _Module) -> list[tuple[_Module, ast.expr]]:
        """Expressions that a choice or a name comes down to; the expression itself where it is neither."""
        found, waiting, seen = [], [(module, node)], set()
        while waiting:
            where, each = waiting.pop(0)
            if each in seen:
                continue
            seen.add(each)
            choices = [(where, part) for part in _choices(each)]
            if isinstance(each, ast.Name):
                choices = self._bound(each.id, each, where)
            waiting = [*choices, *waiting]
            found += [] if choices else [(where, each)]
        return found

    def _bound(self, name: str, node: ast.expr, module: _Module) -> list[tuple[_Module, ast.expr]]:
        """What a name is bound to in the innermost scope that binds it, or in the module it is imported from."""
        for scope in module.scopes[node]:
            found = [(module, value) for value in module.bound.get((scope, name), [])]
            if not isinstance(scope, ast.Module):
                found += self._passed(scope, name, module)
            if found:
                return found
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom) and name in {alias.name for alias in statement.names}:
                end = f"/{(statement.module or '').replace('.', '/')}.py"
                for other in self.modules:
                    if f"/{other.path}".endswith(end):
                        return [(other, value) for value in other.bound.get((other.tree, name), [])]
        return []

    def _passed(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, module: _Module
    ) -> Iterator[tuple[_Module, ast.expr]]:
        """Arguments for a parameter at the calls of a helper: anywhere, or in its module where its name is private."""
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
        if name not in names:
            return
        owner = module.class_of[function]
        index = names.index(name) - (owner != "")
        called = owner if function.name == "__init__" else function.name
        for where, call in self.calls[called]:
            if where is module or not called.startswith("_"):
                yield from ((where, value) for value in call.args[index : index + 1])
                yield from ((where, word.value) for word in call.keywords if word.arg == name)


def _choices(node: ast.expr) -> list[ast.expr]:
    return (
        [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values if isinstance(node, ast.BoolOp) else []
    )


def _joined(parts: Sequence[list[str] | None]) -> list[str] | None:
    shown = [part for part in parts if part is not None]
    return ["".join(texts) for texts in product(*shown)] if len(shown) == len(parts) else None


def _is_worded(text: str) -> bool:
    """Whether a text has words of its own: the catalogue translates no other inside a sentence."""
    return sum(map(str.isalpha, text.replace("{}", HOLE))) >= MIN_LETTERS


def _numbered(text: str) -> str:
    first, *rest = text.replace("{}", HOLE).split(HOLE)
    return first + "".join(f"{{{index}}}{part}" for index, part in enumerate(rest))
