"""A robot without a robot: MuJoCo physics, two colour cameras and a depth camera, on the wire like a real one.

`run` blocks, `start` runs it as a process of its own, `simulate` goes as fast as it can on a clock of its own.
"""

from embodied_recorders.sim.describe import describe
from embodied_recorders.sim.faults import FAULTS, Fault, FaultKind, parse_fault
from embodied_recorders.sim.headless import simulate
from embodied_recorders.sim.models import ROBOT_ID, urdf
from embodied_recorders.sim.options import FailTake, SimOptions, parse_fail_take
from embodied_recorders.sim.plan import FAILURES
from embodied_recorders.sim.process import SimProcess, start
from embodied_recorders.sim.run import run

__all__ = [
    "FAILURES",
    "FAULTS",
    "ROBOT_ID",
    "FailTake",
    "Fault",
    "FaultKind",
    "SimOptions",
    "SimProcess",
    "describe",
    "parse_fail_take",
    "parse_fault",
    "run",
    "simulate",
    "start",
    "urdf",
]
