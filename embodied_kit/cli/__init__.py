"""The command line: parse, build, run, exit code; the only place that imports recorders and validators."""

from embodied_kit.cli.app import main

__all__ = ["main"]
