"""Coordinate frames as a tree (REP-105): every frame but one root has exactly one parent; the root reaches all."""

from __future__ import annotations

from collections.abc import Iterable


def tree_problem(edges: Iterable[tuple[str, str]]) -> str:
    """What keeps (parent, child) pairs from being one tree, in one word; empty for a tree.

    Returns:
        `empty`, `two_parents`, `cycle` or `several_roots`.
    """
    parent_of: dict[str, str] = {}
    frames: set[str] = set()
    for parent, child in edges:
        if parent_of.setdefault(child, parent) != parent:
            return "two_parents"
        frames |= {parent, child}
    if not frames:
        return "empty"
    roots = frames - set(parent_of)
    if len(roots) > 1:
        return "several_roots"
    return "cycle" if _has_cycle(parent_of) else ""


def _has_cycle(parent_of: dict[str, str]) -> bool:
    done: set[str] = set()
    for frame in parent_of:
        path: set[str] = set()
        at = frame
        while at in parent_of and at not in done:
            if at in path:
                return True
            path.add(at)
            at = parent_of[at]
        done |= path
    return False
