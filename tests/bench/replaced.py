"""A mutant in the place of sound code: in a function that is there already, or as its module when that is imported."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from changes import Mutant


class InPlace(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Gives a mutant where its module is asked for."""

    def __init__(self, mutant: Mutant, path: Path) -> None:
        super().__init__(mutant.module, str(path))
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Spec of the mutant's module, None for any other."""
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        """Code of the mutant; nothing is read from a cache or written to one."""
        return compile(self._mutant.tree(), self.path, "exec", dont_inherit=True)


def put(mutant: Mutant, path: Path) -> bool:
    """Give the one function that a mutant changes its changed code, whoever holds it; False where there is none."""
    sound = {_key(code): code for code in _functions(compile(mutant.source, str(path), "exec", dont_inherit=True))}
    new = {_key(code): code for code in _functions(compile(mutant.tree(), str(path), "exec", dont_inherit=True))}
    changed = {key for key, code in new.items() if sound.get(key) != code}
    there = [item for item in gc.get_objects() if isinstance(item, FunctionType) and _key(item.__code__) in changed]
    if len(changed) != 1 or len(there) != 1 or there[0].__code__ != sound[_key(there[0].__code__)]:
        return False
    try:
        there[0].__code__ = new[changed.pop()]
    except ValueError:  # other free variables
        return False
    return True


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Functions and methods of a module, not those within them."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            if item.co_flags & inspect.CO_OPTIMIZED:
                yield item
            else:  # a class
                yield from _functions(item)


def _key(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name
