"""Peak memory of a process, for tests that start one to measure it."""

from pathlib import Path


def peak_kib() -> int:
    """Peak resident memory of this process in KiB; getrusage would count the process that it was forked from."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
