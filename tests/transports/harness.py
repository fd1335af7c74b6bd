"""What the transport tests share: payloads that both sides can compute, free domains, the peer in another process."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from embodied_recorders.transports import zenoh_router
from embodied_recorders.transports.dds.config import domain_xml

ROOT = Path(__file__).resolve().parents[2]
STANDIN = ROOT / "tests" / "ros2_standin"
STANDIN_PACKAGES = {path.name for path in STANDIN.iterdir() if path.is_dir()}
PEER = Path(__file__).with_name("peer.py")
PATIENCE_S = 20.0
# Above 101 the ports of a domain lie in the range from which kernels give out ephemeral ones.
_HIGHEST_TEST_DOMAIN = 101
_LOCK_PORT = 21_000
_T = TypeVar("_T")


def payload(index: int, size: int) -> bytes:
    """CDR of `size` bytes (at least 12): encapsulation, the index, noise seeded by it."""
    noise = np.random.default_rng(index).integers(0, 256, size - 12, np.uint8).tobytes()
    return b"\x00\x01\x00\x00" + index.to_bytes(8, "little") + noise


def padded(cdr: bytes) -> bytes:
    """The message as it may arrive: filled up with zeros to a multiple of 4, as DDS and rmw do."""
    return cdr + bytes(-len(cdr) % 4)


def digest(cdr: bytes) -> str:
    return hashlib.sha256(cdr).hexdigest()


def until(condition: Callable[[], _T], what: str, patience_s: float = PATIENCE_S) -> _T:
    """First true value of the condition; fails when it does not come."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain for {what}"
        time.sleep(0.01)
    return value


@contextmanager
def free_domain() -> Iterator[int]:
    """A ROS domain nobody else on this machine uses; a TCP port is its lock, so parallel sessions do not share one."""
    for domain in random.sample(range(1, _HIGHEST_TEST_DOMAIN + 1), _HIGHEST_TEST_DOMAIN):
        with socket.socket() as lock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as discovery:
            try:
                lock.bind(("127.0.0.1", _LOCK_PORT + domain))
                discovery.bind(("127.0.0.1", 7400 + 250 * domain + 10))
            except OSError:
                continue
            discovery.close()
            yield domain
            return
    raise AssertionError("no free domain")


@contextmanager
def reachable(transport: str) -> Iterator[dict[str, str]]:
    """What a transport needs to be met by nobody else: its environment, for us and for each peer.

    Zenoh meets at a router, here one of our own on a free port.
    """
    if transport != "zenoh":
        yield {}
        return
    with socket.socket() as lock:
        lock.bind(("127.0.0.1", 0))
        endpoint = f"tcp/127.0.0.1:{lock.getsockname()[1]}"
    with zenoh_router(endpoint):
        yield {"ZENOH_CONFIG_OVERRIDE": f'connect/endpoints=["{endpoint}"]'}


class Process:
    """A child that answers one JSON line for each JSON line."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **(environment or {})},
        )

    def ask(self, do: str, **arguments: object) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        line = self._process.stdout.readline()
        assert line, f"the peer died with {self._process.wait()} on {do}"
        return json.loads(line)

    def kill(self) -> None:
        self._process.kill()
        self._close()

    def stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(PATIENCE_S)


def start_peer(**environment: str) -> Process:
    return Process([sys.executable, PEER], environment)


REAL = ""
REAL_RCLPY = pytest.param(
    REAL,
    id="real",
    # What is sourced may warn of itself; that is not ours to mend.
    marks=[pytest.mark.ros2, pytest.mark.filterwarnings("default")],
)
"""As a version: the rclpy that is sourced. Asked for by `-m ros2`."""


@contextmanager
def rclpy_of(version: str, **environment: str) -> Iterator[None]:
    """`import rclpy` gives the stand-in of this version, or the real one, here and in children."""
    if version != REAL:
        with rclpy_standin(version, **environment):
            yield
        return
    if importlib.util.find_spec("rclpy") is None:
        pytest.skip("no ROS 2 with rclpy is sourced; docs/how-to/record-ros2.md says how to run this with it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYCLONEDDS_URI", domain_xml())  # where that is the RMW: on the loopback, as our robots
        yield


@contextmanager
def rclpy_standin(version: str, **environment: str) -> Iterator[None]:
    """`import rclpy` gives the stand-in of this version, here and in children, as long as this lasts."""
    if importlib.util.find_spec("rclpy") is not None:
        pytest.skip("a real rclpy is sourced: run pytest -m ros2")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"RCLPY_STANDIN": version, "PYTHONPATH": str(STANDIN), **environment}.items():
            patch.setenv(name, value)
        patch.syspath_prepend(STANDIN)
        try:
            yield
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] in STANDIN_PACKAGES]:
                del sys.modules[name]
