"""Mutation testing of the judge: each small change of its code must make a test fail; prints, asserts nothing.

python tests/bench/mutate_judge.py [every nth mutant] [module ...]

Changes: comparisons turned or moved by one, `and` for `or`, `not` dropped, `+` for `-`, True for False, small numbers
moved by one, `return X` for `return None`. Each mutant runs in a process of its own, on the judge's tests, stopping at
the first failure. Run it in a copy of the tree: modules are replaced in place and put back.
"""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
JUDGE = ROOT / "validators" / "embodied_validators" / "judge"
MODULES = ("tally", "limits", "documents", "levels", "skips", "waivers", "ledger", "plan", "engine", "view", "given")
TESTS = tuple(
    f"tests/judge/test_{name}.py"
    for name in ("skips", "waivers", "selection", "partial", "given", "judge", "coverage", "rule_fixtures", "released")
)
TIMEOUT_S = 120
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
    """Puts another node at the place of one, found by its number in the walk."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.line = wanted, -1, 0

    def visit(self, node: ast.AST) -> ast.AST:
        self.seen += 1
        if self.seen == self.wanted:
            new = changed(node)
            if new is not None:
                self.line = getattr(node, "lineno", 0)
                return ast.copy_location(new, node)
        return super().generic_visit(node)


def mutants(source: str) -> Iterator[tuple[int, str]]:
    """(line, source) of every mutant of a module."""
    tree = ast.parse(source)
    for number in range(sum(1 for _ in ast.walk(tree))):
        swap = _Swap(number)
        new = swap.visit(copy.deepcopy(tree))
        if swap.line:
            yield swap.line, ast.unparse(ast.fix_missing_locations(new))


def killed(path: Path, source: str) -> bool:
    """Whether a test fails while a module is replaced."""
    original = path.read_bytes()
    path.write_text(source, encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:randomly", *TESTS]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_bytes(original)
    return done.returncode != 0


def main() -> None:
    """Mutate, test, list the survivors."""
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    survivors = total = 0
    for name in sys.argv[2:] or MODULES:
        path = JUDGE / f"{name}.py"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, (line, source) in enumerate(mutants("\n".join(lines))):
            if number % step == 0:
                total += 1
                if not killed(path, source):
                    survivors += 1
                    print(f"survived  {name}.py:{line}: {lines[line - 1].strip()}", flush=True)
    print(f"{total} mutants, {survivors} survived")


if __name__ == "__main__":
    main()
