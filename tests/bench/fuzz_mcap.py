"""Damaged MCAP files by the hundred thousand: no crash, no hang, no false pass; goes on where it was stopped.

python tests/bench/fuzz_mcap.py STATE.json [cases]      prints the figures; STATE.json keeps them and the next case

A false pass: the package `mcap` reads other messages, definitions, attachments or metadata than those of the sound
file, or gives up, and no rule of the container says more than it says of the sound file.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "validators"), str(ROOT / "tests")]

from fuzz.mutator import Mutant, Mutator  # noqa: E402
from fuzz.oracle import container_profile, content_of, judged_container, judged_whole, speaking  # noqa: E402
from fuzz.sources import Source, sources  # noqa: E402

CASES = 100_000
CASE_LIMIT_S = 20
MEMORY_LIMIT_BYTES = 4 << 30
SAVE_EVERY = 250
WHOLE_EVERY = 10
"""One in so many is measured whole, messages and all, as well as every one of which the container says nothing."""
HARMFUL = ("false pass", "crash", "hang")


@dataclass(frozen=True)
class Case:
    """How one case ended: `seen`, `same` (nothing that is read differs and no rule speaks), or one of HARMFUL."""

    number: int
    source: str
    kind: str
    where: str
    end: str


class Cases:
    """Cases by number: first all systematic damage of each source, then random damage, seeded by the number."""

    def __init__(self, made: list[Source]) -> None:
        self._made = made
        self._mutators = [Mutator(source.data) for source in made]
        self._systematic = [
            (at, mutant) for at, mutator in enumerate(self._mutators) for mutant in mutator.systematic()
        ]

    def of(self, number: int) -> tuple[Source, Mutant]:
        """Source and mutant of a number."""
        if number < len(self._systematic):
            at, mutant = self._systematic[number]
            return self._made[at], mutant
        at = number % len(self._made)
        return self._made[at], self._mutators[at].at_random(random.Random(number))  # noqa: S311  # seeded


def work(first: int, stop: int, pipe: Connection) -> None:
    """Judge cases one after another in a process of its own; tell each before and after."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    with tempfile.TemporaryDirectory() as folder:
        path, profile = Path(folder) / "a.mcap", container_profile()
        cases = Cases(list(sources(Path(folder)).values()))
        before: dict[str, frozenset[str]] = {}
        for number in range(first, stop):
            source, mutant = cases.of(number)
            pipe.send(Case(number, source.name, mutant.kind, mutant.where, ""))
            if source.name not in before:
                path.write_bytes(source.data)
                before[source.name] = speaking(judged_whole(path, profile))
            path.write_bytes(mutant.data)
            try:
                seen = bool(speaking(judged_container(path, profile)) - before[source.name] - {"CT-07"})
                if not seen or number % WHOLE_EVERY == 0:
                    seen = bool(speaking(judged_whole(path, profile)) - before[source.name]) or seen
            except Exception as error:  # noqa: BLE001  # a crash is what is looked for
                end = f"crash {type(error).__name__}"
            else:
                differs = not seen and content_of(mutant.data) != content_of(source.data)
                end = "seen" if seen else "same" if not differs else "false pass" if source.covered else "not covered"
            pipe.send(Case(number, source.name, mutant.kind, mutant.where, end))
    pipe.close()


class State:
    """Figures on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        told = json.loads(path.read_text()) if path.exists() else {}
        self.next: int = told.get("next", 0)
        self.ends: Counter[str] = Counter(told.get("ends", {}))
        self.kinds: Counter[str] = Counter(told.get("kinds", {}))
        self.harmful: list[list[str | int]] = told.get("harmful", [])
        self.slowest_s: float = told.get("slowest_s", 0.0)

    def add(self, case: Case, took_s: float) -> None:
        """Enter a case."""
        self.next = case.number + 1
        self.ends[case.end.split()[0] if case.end.startswith("crash") else case.end] += 1
        self.kinds[f"{case.kind}: {case.end}"] += 1
        self.slowest_s = max(self.slowest_s, took_s)
        if case.end.startswith(HARMFUL):
            self.harmful.append([case.number, case.source, case.kind, case.where, case.end])
        if self.next % SAVE_EVERY == 0:
            self.save()

    def save(self) -> None:
        """Write it whole."""
        fresh = self._path.with_suffix(".partial")
        fresh.write_text(json.dumps(vars(self) | {"_path": None}, indent=1))
        fresh.replace(self._path)


def run(state: State, stop: int) -> None:
    """Start a worker, watch it, and start another behind a case that ended it."""
    while state.next < stop:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.get_context("spawn").Process(target=work, args=(state.next, stop, theirs))
        worker.start()
        theirs.close()
        case, began = Case(state.next, "", "", "", ""), time.monotonic()
        try:
            while state.next < stop:
                if not ours.poll(None if not case.kind else CASE_LIMIT_S):
                    state.add(Case(case.number, case.source, case.kind, case.where, "hang"), CASE_LIMIT_S)
                    break
                told: Case = ours.recv()
                if told.end:
                    state.add(told, time.monotonic() - began)
                case, began = told, time.monotonic()
        except EOFError:  # it died
            state.add(Case(case.number, case.source, case.kind, case.where, "crash of the process"), 0.0)
        worker.kill()
        worker.join()
    state.save()


def main() -> None:
    """Run up to the number of cases, and show what came of it."""
    state = State(Path(sys.argv[1]))
    stop = int(sys.argv[2]) if len(sys.argv) > 2 else CASES
    try:
        run(state, stop)
    finally:
        state.save()
    print(f"{state.next} cases, slowest {state.slowest_s:.2f} s")
    for end, count in sorted(state.ends.items()):
        print(f"  {end:<12} {count}")
    for line in state.harmful[:50]:
        print(" ", *line)


if __name__ == "__main__":
    main()
