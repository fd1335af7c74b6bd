"""What `embodied-kit --help` costs beyond a bare Python; prints, asserts nothing.

python tests/bench/bench_help.py [runs]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = {"bare python": ("-c", "pass"), "embodied-kit --help": ("-m", "embodied_kit", "--help")}
RUNS = 15
FEWEST_RUNS = 7


def cost_ms(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU time of one process."""
    cpu_s, started_ns = children_cpu_s(), time.perf_counter_ns()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return (time.perf_counter_ns() - started_ns) / 1e6, (children_cpu_s() - cpu_s) * 1e3


def children_cpu_s() -> float:
    """CPU time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run both in turn, so that both meet the same load; the first round only fills the caches."""
    runs = max(FEWEST_RUNS, int(sys.argv[1])) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as bytecode:
        # An installed package has its bytecode; so has this one, away from the clone.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        rounds = [[cost_ms(arguments, environment) for arguments in PROGRAMS.values()] for _ in range(runs + 1)][1:]
    print(f"{runs} runs of each, in turn; medians")
    for column, name in enumerate(("wall", "CPU")):
        bare, shown = (statistics.median(costs[program][column] for costs in rounds) for program in range(2))
        print(f"{name:<5} bare {bare:6.1f} ms   --help {shown:6.1f} ms   +{shown - bare:.1f} ms   {shown / bare:.2f} x")


if __name__ == "__main__":
    main()
