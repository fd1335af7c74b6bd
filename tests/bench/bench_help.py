"""What `embodied-kit --help` costs beyond a bare Python: medians of interleaved runs, and their ratio.

Run: python tests/bench/bench_help.py [RUNS]
"""

import statistics
import subprocess
import sys
import time

BARE = (sys.executable, "-c", "pass")
HELP = (sys.executable, "-m", "embodied_kit", "--help")
RUNS = 15
LIMIT_MS = 60


def wall_ms(command: tuple[str, ...]) -> float:
    """Wall time of one process."""
    started_ns = time.perf_counter_ns()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter_ns() - started_ns) / 1e6


def medians(runs: int) -> tuple[float, float]:
    """Median times of both programs, run in turn so that both meet the same load; the first pair warms caches."""
    pairs = [(wall_ms(BARE), wall_ms(HELP)) for _ in range(runs + 1)][1:]
    bare, help_text = zip(*pairs, strict=True)
    return statistics.median(bare), statistics.median(help_text)


def main() -> None:
    """Print both medians, their difference and their ratio."""
    runs = max(7, int(sys.argv[1])) if len(sys.argv) > 1 else RUNS
    bare_ms, help_ms = medians(runs)
    print(f"runs {runs}, interleaved")
    print(f"bare python        {bare_ms:7.1f} ms")
    print(f"embodied-kit --help{help_ms:7.1f} ms")
    print(f"difference         {help_ms - bare_ms:7.1f} ms   (wanted: at most {LIMIT_MS} ms on a quiet machine)")
    print(f"ratio              {help_ms / bare_ms:7.2f}")


if __name__ == "__main__":
    main()
