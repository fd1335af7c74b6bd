"""Small changes of a module's code, one at a time: the mutants that its tests are to kill.

Changes: comparisons turned or moved by one, `and` for `or`, `not` dropped, `+` for `-`, True for False, small numbers
moved by one, `return X` for `return None`.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SMALL = 3


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        module: Its full name.
        source: Its sound text.
        number: Of the changed node in the walk.
        lines: First and last line of what was changed.
        change: What was changed to what.
        in_function: Whether only a function's body differs.
        digest: Knows it again while its module is the same, but for comments and layout.
    """

    module: str
    source: str
    number: int
    lines: tuple[int, int]
    change: str
    in_function: bool
    digest: str

    def tree(self) -> ast.Module:
        """The whole module with the change."""
        whole = _Swap(self.number).visit(ast.parse(self.source))
        assert isinstance(whole, ast.Module)
        return ast.fix_missing_locations(whole)


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    bodies = [statement for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for statement in node.body]
    inside = {id(node) for statement in bodies for node in ast.walk(statement)}
    text, places = f"{module}\n{ast.unparse(tree)}\n", _Swap()
    places.visit(tree)
    for number, was, now in places.found:
        yield Mutant(
            module,
            source,
            number,
            (getattr(was, "lineno", 0), getattr(was, "end_lineno", 0)),
            f"{ast.unparse(was)} -> {ast.unparse(now)}",
            id(was) in inside,
            hashlib.sha256(f"{text}{number}".encode()).hexdigest()[:16],
        )


def changed(node: ast.AST) -> ast.AST | None:
    """The node with one change; None where there is none to make."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.Compare) and type(new.ops[0]) in COMPARISONS:
        new.ops[0] = COMPARISONS[type(new.ops[0])]()
    elif isinstance(new, ast.BoolOp):
        new.op = ast.Or() if isinstance(new.op, ast.And) else ast.And()
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not):
        return new.operand
    elif isinstance(new, ast.BinOp) and isinstance(new.op, ast.Add | ast.Sub):
        new.op = ast.Sub() if isinstance(new.op, ast.Add) else ast.Add()
    elif isinstance(new, ast.Constant) and isinstance(new.value, bool):
        new.value = not new.value
    elif isinstance(new, ast.Constant) and isinstance(new.value, int) and abs(new.value) <= SMALL:
        new.value += 1
    elif isinstance(new, ast.Return) and new.value is not None and not isinstance(new.value, ast.Constant):
        new.value = ast.Constant(None)
    else:
        return None
    return new


class _Swap(ast.NodeTransformer):
    """Puts another node at the place of one, found by its number in the walk; without a number notes all changes."""

    def __init__(self, wanted: int | None = None) -> None:
        self.wanted, self.seen = wanted, -1
        self.found: list[tuple[int, ast.AST, ast.AST]] = []

    def visit(self, node: ast.AST) -> ast.AST:
        self.seen += 1
        if self.wanted in (None, self.seen):
            new = changed(node)
            if new is not None and self.wanted is not None:
                return ast.copy_location(new, node)
            self.found += [] if new is None else [(self.seen, node, new)]
        return super().generic_visit(node)
