"""Mutation testing of the judge: each small change of its code must make a test fail; prints, asserts nothing.

python tests/bench/mutate_judge.py FOLDER [module ...]      goes on where it was stopped; FOLDER keeps what was found

One process collects `tests/judge`. For each mutant it forks a child, which puts the changed code into the function that
is there already and runs the tests, up to the first failure; where more than the body of a function is changed, the
child imports the judge anew with the mutant in its place. Tests that ran the changed line when it was sound come first,
the slow ones and the rest only where none of these failed. No file of the tree is touched. Survivors are tried again
once the tests have changed.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "validators"), str(ROOT / "tests"), str(Path(__file__).parent)]

from changes import Mutant, mutants  # noqa: E402
from replaced import InPlace, put  # noqa: E402
from watch import Watch  # noqa: E402

from embodied_validators.rulebook import load_rulebook  # noqa: E402

PACKAGE = "embodied_validators.judge"
JUDGE = ROOT / "validators" / "embodied_validators" / "judge"
TESTS = ROOT / "tests" / "judge"
SHARED = ("hypothesis.strategies", "embodied_kit.measure", "embodied_kit.spec", "embodied_validators.profiles")
"""Imported once for all mutants; none of them imports the judge."""
CPU_LIMIT_S = 120
WALL_LIMIT_S = 1200
MEMORY_LIMIT_BYTES = 4 << 30
QUICK_S = 0.3
ENDED = "its end"
FORK = multiprocessing.get_context("fork")
Covered = Mapping[str, tuple[float, frozenset[tuple[str, int]]]]
"""Test -> seconds that it takes, and lines of the judge, by module, that it runs."""


@dataclass(frozen=True)
class Try:
    """A mutant and the tests that it is tried on, in order.

    Attributes:
        mutant: The mutant.
        path: File of its module.
        whole: Whether the quick tests that run what was changed were tried before, and all others are now.
        covered: What each test runs.
    """

    mutant: Mutant
    path: Path
    whole: bool
    covered: Covered

    def arranged(self, items: Sequence[pytest.Item], kills: Mapping[str, int]) -> list[pytest.Item]:
        """Tests that run the changed lines first, among them those that killed most mutants, then the quick ones."""
        module, (first, last) = self.mutant.module.rpartition(".")[2], self.mutant.lines
        lines = {(module, line) for line in range(first, last + 1)}
        anywhere = not any(lines & ran for _, ran in self.covered.values())  # what runs at import is run by no test
        order: dict[str, tuple[bool, int, float]] = {}
        for item in items:
            seconds, ran = self.covered.get(item.nodeid, (0.0, lines))  # a new test may run anything
            order[item.nodeid] = not (anywhere or lines & ran), -kills.get(item.nodeid, 0), seconds
        quick = {test for test, (far, _, seconds) in order.items() if not far and seconds < QUICK_S}
        kept = [item for item in items if (item.nodeid in quick) != self.whole]
        return sorted(kept, key=lambda item: order[item.nodeid])


class First:
    """A pytest plugin: what failed first; where there is a try, its tests in their order."""

    def __init__(self, attempt: Try | None = None) -> None:
        self._attempt = attempt
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._attempt:
            items[:] = self._attempt.arranged(items, {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


class Session(First):
    """A pytest plugin that tries mutants on the collected tests instead of running these."""

    def __init__(self, attempts: Sequence[Try], findings: Findings) -> None:
        super().__init__()
        self._attempts, self._findings, self._kills = attempts, findings, Counter[str]()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for attempt in self._attempts:
            by = in_child(WALL_LIMIT_S, in_place, attempt, attempt.arranged(session.items, self._kills), self)
            if by is not None:
                self._kills[by] += 1
                self._findings.add(attempt, by)
        return True


def tested(plugin: object, *options: str) -> int:
    """Exit code of pytest on the tests of the judge."""
    with tempfile.TemporaryDirectory() as scratch, Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        words = ["-q", "--no-header", "--assert=plain", "--hypothesis-seed=0"]
        words += [f"--basetemp={scratch}/t", f"--rootdir={ROOT}", str(TESTS)]
        return int(pytest.main([*words, *options], plugins=[plugin]))


def limited() -> None:
    """Neither hours nor all memory for a mutant that does not end."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


def watched(pipe: Connection) -> None:
    """Run all tests on the sound judge and tell what they run; an exit code where one fails."""
    plugin = Watch(JUDGE)
    pipe.send(tested(plugin) or plugin.told)


def session_of(attempts: Sequence[Try], findings: Findings, pipe: Connection) -> None:
    """Collect the tests once and try mutants on them, each in a child."""
    pipe.send(tested(Session(attempts, findings)))


def in_place(attempt: Try, items: Sequence[pytest.Item], seen: First, pipe: Connection) -> None:
    """Change a function where it stands and tell the first test that fails; None where it cannot be changed."""
    limited()
    if not put(attempt.mutant, attempt.path):
        pipe.send(None)
        return
    for item, following in zip(items, [*items[1:], None], strict=False):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if seen.failed:
            break
    pipe.send(seen.failed)


def anew(attempt: Try, pipe: Connection) -> None:
    """Import the judge with a mutant in the place of its module, and tell the first test that fails."""
    limited()
    sys.meta_path.insert(0, InPlace(attempt.mutant, attempt.path))
    plugin = First(attempt)
    code = tested(plugin, "-x")
    fine = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    pipe.send(plugin.failed or ("" if fine else f"exit code {code}"))


def in_child(limit_s: float | None, work: Callable[..., None], *arguments: object) -> Any:
    """What a function sends from a child of its own; "its end" where it ended before, or took longer than the limit."""
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=work, args=(*arguments, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(limit_s) else ENDED
    except EOFError:
        return ENDED
    finally:
        child.kill()
        child.join()


@dataclass(frozen=True)
class Found:
    """How a mutant ended.

    Attributes:
        mutant: Its digest.
        where: Module and line.
        change: What was changed to what.
        by: The test that killed it; empty where it survived.
        tests: Digest of the tests that it was tried on.
        whole: Whether it was tried on all of them.
    """

    mutant: str
    where: str
    change: str
    by: str
    tests: str
    whole: bool


class Findings:
    """What was found so far, a line a mutant."""

    def __init__(self, path: Path, tests: str) -> None:
        self._path, self._tests = path, tests
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._by_mutant = {found.mutant: found for found in (Found(**json.loads(line)) for line in lines)}

    def of(self, attempt: Try) -> Found | None:
        """What was found of a mutant, unless other tests, or more of them, may kill it now."""
        found = self._by_mutant.get(attempt.mutant.digest)
        return found if found and (found.by or (found.tests == self._tests and found.whole >= attempt.whole)) else None

    def tried(self, attempt: Try) -> bool:
        """Whether a mutant was tried on any tests."""
        return attempt.mutant.digest in self._by_mutant

    def add(self, attempt: Try, by: str) -> None:
        """Enter what was found."""
        mutant, where = attempt.mutant, f"{attempt.path.name}:{attempt.mutant.lines[0]}"
        found = Found(mutant.digest, where, mutant.change, by, self._tests, attempt.whole)
        self._by_mutant[found.mutant] = found
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(vars(found), ensure_ascii=False) + "\n")


def digest_of(*folders: Path) -> str:
    """sha256 over Python files and fixtures."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".jsonl"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def coverage(folder: Path) -> Covered:
    """Lines that each test runs; measured once for a state of the judge."""
    kept = folder / f"lines-{digest_of(JUDGE)}.json"
    if not kept.exists():
        told = in_child(None, watched)
        if not isinstance(told, dict):
            sys.exit("expected sound tests, got a failure; see: python -m pytest tests/judge")
        kept.write_text(json.dumps(told))
    return {
        test: (seconds, frozenset((module, line) for module, line in lines))
        for test, (seconds, lines) in json.loads(kept.read_text()).items()
    }


def main() -> None:
    """Try every mutant on quick tests, those that survive on all, and list the survivors."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    for name in SHARED:
        importlib.import_module(name)
    load_rulebook()  # kept in memory, for all mutants
    paths = [JUDGE / f"{name}.py" for name in sys.argv[2:]] or sorted(JUDGE.glob("*.py"))
    made = [(path, mutant) for path in paths for mutant in mutants(f"{PACKAGE}.{path.stem}", path.read_text("utf-8"))]
    covered, kept = coverage(folder), folder / "mutants.jsonl"
    tests = digest_of(TESTS, ROOT / "tests" / "rules")
    for whole in (False, True):
        tries = [Try(mutant, path, whole, covered) for path, mutant in made]
        findings = Findings(kept, tests)
        left = sorted((one for one in tries if not findings.of(one)), key=findings.tried)
        in_child(None, session_of, [one for one in left if one.mutant.in_function], findings)
        findings = Findings(kept, tests)
        for attempt in tries:
            if not findings.of(attempt):
                findings.add(attempt, in_child(WALL_LIMIT_S, anew, attempt))
    ends = [found for found in map(findings.of, tries) if found]
    survivors = [found for found in ends if not found.by]
    for found in survivors:
        print(f"survived  {found.where}: {found.change}")
    print(f"{len(ends)} mutants, {len(ends) - len(survivors)} killed, {len(survivors)} survived")


if __name__ == "__main__":
    main()
