"""The command line: parse, build, run, exit code; the only place that imports recorders and validators."""

from embodied_kit.cli.entry import main

__all__ = ["main"]
